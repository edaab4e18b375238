//! L1 to L3 and B2 to B4: what a block shows among the accounts.

use mote::simulation::oracle::Oracle;
use mote_core::block::transactions_root;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::rules::{Executed, Execution, Rule, RuleError, check_transaction};
use mote_core::state::Account;
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Height};
use mote_tests::fixtures::{
    Chain, VecBlock, account, broken_rule, flipped, key, mine, network, pay, regtest,
};

use super::{Case, Refusal, refusal};

pub const CASES: [Case; 6] = [
    Case { rule: Rule::LedgerNonce, accept: the_next_nonce, reject: other_nonces },
    Case { rule: Rule::LedgerBalance, accept: all_that_there_is, reject: more_than_there_is },
    Case { rule: Rule::LedgerOverflow, accept: the_largest_sums, reject: larger_sums },
    Case { rule: Rule::BlockTransactionCount, accept: whole_blocks, reject: other_counts },
    Case { rule: Rule::BlockTransactionsRoot, accept: whole_blocks, reject: other_transactions },
    Case { rule: Rule::BlockStateRoot, accept: whole_blocks, reject: other_states },
];

/// What accounts hold at the start: number, balance and nonce.
type Holdings<'a> = &'a [(u64, u64, u64)];

const MINER: u64 = 50;

fn holding(holdings: Holdings) -> Oracle {
    Oracle::with(holdings.iter().map(|(number, balance, nonce)| {
        (account(*number), Account { balance: Amount::from_grains(*balance), nonce: *nonce })
    }))
}

/// Executes a block of these transactions by account [`MINER`] over accounts that hold this.
fn execute_on(
    params: &Params,
    holdings: Holdings,
    transactions: &[Transaction],
) -> Result<(Executed, Oracle), RuleError> {
    let mut accounts = holding(holdings);
    let mut execution = Execution::new(params, Height::new(1), account(MINER));
    for transaction in transactions {
        let checked = check_transaction(params, transaction)?;
        execution.apply(&mut accounts, &checked).map_err(broken_rule)?;
    }
    let executed = execution.finish(&mut accounts).map_err(broken_rule)?;
    Ok((executed, accounts))
}

fn execute(holdings: Holdings, transactions: &[Transaction]) -> Result<(), RuleError> {
    execute_on(&regtest(), holdings, transactions).map(drop)
}

/// A payment from account 1 to account 2.
fn payment(amount: u64, fee: u64, nonce: u64) -> Transaction {
    pay(&regtest(), 1, account(2), amount, fee, nonce)
}

fn the_next_nonce() -> Vec<Result<(), RuleError>> {
    vec![
        execute(&[(1, 10_000, 0)], &[payment(1, 1_000, 0), payment(1, 1_000, 1)]),
        execute(&[(1, 10_000, 7)], &[payment(1, 1_000, 7)]),
    ]
}

fn other_nonces() -> Vec<Refusal> {
    let refuse = |holdings, transactions: &[Transaction], got, expected| {
        refusal(execute(holdings, transactions), RuleError::LedgerNonce { got, expected })
    };
    vec![
        refuse(&[(1, 10_000, 1)], &[payment(1, 1_000, 0)], 0, 1),
        refuse(&[(1, 10_000, 1)], &[payment(1, 1_000, 2)], 2, 1),
        refuse(&[(1, 10_000, 0)], &[payment(1, 1_000, u64::MAX)], u64::MAX, 0),
        refuse(&[(1, 10_000, 0)], &[payment(1, 1_000, 0), payment(2, 1_000, 0)], 0, 1),
        // An account that was never touched starts at 0.
        refuse(&[], &[payment(1, 1_000, 1)], 1, 0),
    ]
}

fn all_that_there_is() -> Vec<Result<(), RuleError>> {
    let to_self = pay(&regtest(), 1, account(1), 1, 1_000, 0);
    let passed_on = pay(&regtest(), 2, account(3), 1, 1_000, 0);
    vec![
        execute(&[(1, 1_001, 0)], &[payment(1, 1_000, 0)]),
        execute(&[(1, 1_001, 0)], &[to_self]),
        // What came in earlier in the same block can be spent.
        execute(&[(1, 2_001, 0)], &[payment(1_001, 1_000, 0), passed_on]),
    ]
}

fn more_than_there_is() -> Vec<Refusal> {
    let refuse = |holdings, transactions: &[Transaction], needed, balance| {
        let (needed, balance) = (Amount::from_grains(needed), Amount::from_grains(balance));
        refusal(execute(holdings, transactions), RuleError::LedgerBalance { needed, balance })
    };
    let to_self = pay(&regtest(), 1, account(1), 1, 1_000, 0);
    vec![
        refuse(&[(1, 1_000, 0)], &[payment(1, 1_000, 0)], 1_001, 1_000),
        refuse(&[], &[payment(1, 1_000, 0)], 1_001, 0),
        refuse(&[(1, 1_000, 0)], &[to_self], 1_001, 1_000),
        refuse(&[(1, 3_000, 0)], &[payment(1_000, 1_000, 0), payment(1, 1_000, 1)], 1_001, 1_000),
        // A sum that does not fit 64 bits is beyond any balance.
        refuse(&[(1, u64::MAX, 0)], &[payment(u64::MAX, 1_000, 0)], u64::MAX, u64::MAX),
        // The reward comes last, so it pays for nothing in its own block.
        refuse(&[], &[pay(&regtest(), MINER, account(2), 1, 1_000, 0)], 1_001, 0),
    ]
}

const REWARD: u64 = 10_000_000;

fn the_largest_sums() -> Vec<Result<(), RuleError>> {
    vec![
        execute(&[(1, 5_000, 0), (2, u64::MAX - 1, 0)], &[payment(1, 1_000, 0)]),
        execute(&[(1, 5_000, u64::MAX - 1)], &[payment(1, 1_000, u64::MAX - 1)]),
        execute(&[(MINER, u64::MAX - REWARD, 0)], &[]),
        execute(&[(1, u64::MAX - REWARD, 0)], &[payment(1, u64::MAX - REWARD - 1, 0)]),
    ]
}

fn larger_sums() -> Vec<Refusal> {
    let refuse = |holdings, transactions: &[Transaction], left, right| {
        refusal(execute(holdings, transactions), RuleError::LedgerOverflow { left, right })
    };
    let fees = [payment(1, u64::MAX - 1_000, 0), pay(&regtest(), 3, account(2), 1, 1_001, 0)];
    vec![
        // The recipient's balance.
        refuse(&[(1, 5_000, 0), (2, u64::MAX, 0)], &[payment(1, 1_000, 0)], u64::MAX, 1),
        // The sender's nonce.
        refuse(&[(1, 5_000, u64::MAX)], &[payment(1, 1_000, u64::MAX)], u64::MAX, 1),
        // The sum of the fees.
        refuse(&[(1, u64::MAX, 0), (3, 5_000, 0)], &fees, u64::MAX - 1_000, 1_001),
        // Reward and fees.
        refuse(&[(1, u64::MAX, 0)], &[payment(1, u64::MAX - 1_000, 0)], REWARD, u64::MAX - 1_000),
        // The miner's balance.
        refuse(&[(MINER, u64::MAX - REWARD + 1, 0)], &[], u64::MAX - REWARD + 1, REWARD),
    ]
}

/// More transactions than a network allows, each of them valid.
pub fn one_transaction_too_many() -> Refusal {
    let params = network("local");
    let transactions: Vec<Transaction> =
        (0..129).map(|nonce| pay(&params, 1, account(2), 1, 1_000, nonce)).collect();
    let holdings: Holdings = &[(1, 1_000_000, 0)];
    let fitting = execute_on(&params, holdings, &transactions[..128]).map(|(executed, _)| executed);
    assert_eq!(fitting.map(|executed| executed.transaction_count), Ok(128));
    let verdict = execute_on(&params, holdings, &transactions);
    refusal(verdict, RuleError::BlockCapacity { got: 129, limit: 128 })
}

/// A chain and a block of two transactions on it.
fn block() -> (Chain, VecBlock) {
    let chain = Chain::with(holding(&[(1, 1_000_000, 0)]));
    let block = chain.block(account(MINER), vec![payment(1, 1_000, 0), payment(2, 2_000, 1)]);
    (chain, block)
}

fn whole_blocks() -> Vec<Result<(), RuleError>> {
    let (chain, block) = block();
    let empty = chain.block(account(MINER), Vec::new());
    let unknown = PublicKey::from_bytes([2; 32]);
    let to_nobody = chain.block(unknown, vec![pay(&regtest(), 1, unknown, 5, 1_000, 0)]);
    [block, empty, to_nobody].map(|block| chain.judge(&block).map(drop)).into()
}

fn other_counts() -> Vec<Refusal> {
    let refuse = |count: u32| {
        let (chain, mut block) = block();
        block.header.transaction_count = count;
        mine(&mut block.header);
        let expected = RuleError::BlockTransactionCount { got: 2, expected: u64::from(count) };
        refusal(chain.judge(&block), expected)
    };
    vec![refuse(0), refuse(1), refuse(3), refuse(1_024)]
}

fn other_transactions() -> Vec<Refusal> {
    let refuse = |change: fn(&Chain, &mut VecBlock)| {
        let (chain, mut block) = block();
        change(&chain, &mut block);
        mine(&mut block.header);
        let expected = block.header.transactions_root;
        let got = transactions_root(&block.transactions);
        refusal(chain.judge(&block), RuleError::BlockTransactionsRoot { got, expected })
    };
    vec![
        refuse(|_, block| block.header.transactions_root = flipped(&block.header.transactions_root)),
        refuse(|_, block| block.header.transactions_root = Hash32::ZERO),
        // The root of the same transactions in another order.
        refuse(|_, block| {
            let reversed: Vec<_> = block.transactions.iter().rev().cloned().collect();
            block.header.transactions_root = transactions_root(&reversed);
        }),
        // Other transactions that leave the accounts the same: only the memo differs.
        refuse(|chain, block| {
            let original = &block.transactions[0];
            let memo = Memo::from_slice(b"memo").expect("four bytes fit");
            let payment = Payment {
                recipient: original.recipient,
                amount: original.amount,
                fee: original.fee,
                nonce: original.nonce,
                memo,
            };
            block.transactions[0] = payment.sign(&chain.params, &key(1));
        }),
    ]
}

fn other_states() -> Vec<Refusal> {
    let refuse = |root: fn(&Chain) -> Hash32| {
        let (chain, mut block) = block();
        let (_, accounts) = chain.judge(&block).expect("the block is valid before it is changed");
        block.header.state_root = root(&chain);
        mine(&mut block.header);
        let (got, expected) = (accounts.root(), block.header.state_root);
        refusal(chain.judge(&block), RuleError::BlockStateRoot { got, expected })
    };
    vec![
        refuse(|_| Hash32::ZERO),
        // The root before the block.
        refuse(|chain| chain.tip.state_root()),
        // The root without the miner's credit.
        refuse(|_| holding(&[(1, 1_000_000 - 3_003, 2), (2, 3, 0)]).root()),
        // The root with a grain too many for the miner.
        refuse(|_| holding(&[(1, 1_000_000 - 3_003, 2), (2, 3, 0), (MINER, REWARD + 3_001, 0)]).root()),
    ]
}
