//! Every rule that a block breaks, where a node stops at the first.
//!
//! The rules are the core's and nothing is decided here: a header that was refused is mended where it was
//! refused and asked about again, until nothing is left to refuse. Proof of work is looked at for the header as
//! it is, and left out for the mended ones.

use mote_core::block::{Header, transactions_root};
use mote_core::params::{Params, Retarget};
use mote_core::pow::CompactTarget;
use mote_core::rules::{
    CheckedTransaction, Executed, Rule, RuleError, check_header, check_transaction, inspect_header,
};
use mote_core::transaction::Transaction;
use serde::Serialize;
use utoipa::ToSchema;

use super::ground::{Place, Trees, params};
use super::people::Person;
use super::search;
use crate::block::Block;
use crate::store::tree::NodeRef;

/// What a node looks at, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = LaboratoryStage)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Whether the bytes are the one wire form of a block.
    Bytes,
    /// The header in its chain.
    Header,
    /// Whether the payments are those that the header commits to.
    Body,
    /// Each payment alone.
    Payments,
    /// The payments among the accounts.
    Accounts,
}

impl Stage {
    /// All stages, in the order in which a node goes through them.
    pub const ALL: [Self; 5] = [Self::Bytes, Self::Header, Self::Body, Self::Payments, Self::Accounts];
}

/// How a stage went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LaboratoryOutcome)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing is broken.
    Passed,
    /// Something is broken.
    Failed,
    /// It could not be judged, for want of what comes before it.
    NotReached,
}

/// A stage and how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LaboratoryStageOutcome)]
pub struct StageOutcome {
    /// The stage.
    pub stage: Stage,
    /// How it went.
    pub outcome: Outcome,
}

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LaboratoryBroken)]
pub struct Broken {
    /// The rule's number and name.
    #[schema(example = "H4-proof-of-work")]
    pub rule: &'static str,
    /// What the rule demands.
    pub sentence: &'static str,
    /// Why the rule is there.
    pub reason: &'static str,
    /// What was got and what was expected.
    pub detail: String,
    /// Where a node comes upon it.
    pub stage: Stage,
    /// The place of the payment that breaks it, from 0; null where it is the block.
    pub payment: Option<usize>,
}

impl Broken {
    fn new(stage: Stage, error: RuleError, payment: Option<usize>) -> Self {
        let rule = error.rule();
        let (sentence, reason) = (rule.sentence(), rule.reason());
        Self { rule: rule.id(), sentence, reason, detail: error.to_string(), stage, payment }
    }
}

/// What is said of a block at a place.
pub(super) struct Verdict {
    /// Every broken rule, in the order in which a node comes upon them.
    pub broken: Vec<Broken>,
    /// How each stage went.
    pub stages: Vec<StageOutcome>,
    /// The accounts after the block, where it could be executed.
    pub accounts: Option<NodeRef>,
}

impl Verdict {
    /// What is said of bytes that are no block.
    pub fn of_bytes() -> Self {
        let stages = Stage::ALL.map(|stage| match stage {
            Stage::Bytes => StageOutcome { stage, outcome: Outcome::Failed },
            _ => StageOutcome { stage, outcome: Outcome::NotReached },
        });
        Self { broken: Vec::new(), stages: stages.to_vec(), accounts: None }
    }
}

/// Judges a block as the next one at `place`.
pub(super) fn judge(trees: &mut Trees, place: &Place, block: &Block) -> Verdict {
    let Block { header, transactions } = block;
    let (tip, clock) = (&place.tip, place.clock());
    let errors =
        header_errors(params(), header, |params, header| check_header(params, tip, header, clock).map(drop));
    let mut broken = header_and_body(errors, block);
    let checked = check_payments(params(), transactions, &mut broken);
    let root = place.accounts.filter(|_| checked.len() == transactions.len());
    let executed = root.map(|root| trees.execute(root, header, &checked));
    let (mut accounts, mut is_executed) = (None, executed.is_some());
    match executed {
        Some(Ok((executed, root))) => {
            accounts = Some(root);
            // The body was compared with the header already; what is left is the root of the accounts.
            let Executed { transaction_count, transactions_root, .. } = executed;
            let header = Header { transaction_count, transactions_root, ..header.clone() };
            broken
                .extend(executed.check(&header).err().map(|error| Broken::new(Stage::Accounts, error, None)));
        }
        Some(Err(Some(stuck))) => {
            broken.push(Broken::new(Stage::Accounts, stuck.error, stuck.transaction));
        }
        Some(Err(None)) => is_executed = false,
        None => {}
    }
    let reached = if is_executed { Stage::Accounts } else { Stage::Payments };
    Verdict { stages: stages(&broken, reached), broken, accounts }
}

/// Judges by what a block shows without its chain and the accounts.
pub(super) fn judge_alone(params: &Params, block: &Block) -> Verdict {
    let check = |params: &Params, header: &Header| inspect_header(params, header).map(drop);
    // The genesis block is the same for everybody, so nobody had to mine it.
    let is_genesis = block.header == *params.genesis();
    let errors = if is_genesis { Vec::new() } else { header_errors(params, &block.header, check) };
    let mut broken = header_and_body(errors, block);
    check_payments(params, &block.transactions, &mut broken);
    Verdict { stages: stages(&broken, Stage::Payments), broken, accounts: None }
}

fn header_and_body(errors: Vec<RuleError>, block: &Block) -> Vec<Broken> {
    let header = errors.into_iter().map(|error| Broken::new(Stage::Header, error, None));
    let body = body_errors(block).into_iter().map(|error| Broken::new(Stage::Body, error, None));
    header.chain(body).collect()
}

/// Checks each payment alone, and notes those that break a rule.
fn check_payments<'a>(
    params: &Params,
    transactions: &'a [Transaction],
    broken: &mut Vec<Broken>,
) -> Vec<CheckedTransaction<'a>> {
    let mut checked = Vec::with_capacity(transactions.len());
    for (index, transaction) in transactions.iter().enumerate() {
        match check_transaction(params, transaction) {
            Ok(transaction) => checked.push(transaction),
            Err(error) => broken.push(Broken::new(Stage::Payments, error, Some(index))),
        }
    }
    checked
}

/// How the stages up to `reached` went.
fn stages(broken: &[Broken], reached: Stage) -> Vec<StageOutcome> {
    let outcome = |stage| match stage {
        _ if broken.iter().any(|broken| broken.stage == stage) => Outcome::Failed,
        _ if stage > reached => Outcome::NotReached,
        _ => Outcome::Passed,
    };
    Stage::ALL.map(|stage| StageOutcome { stage, outcome: outcome(stage) }).to_vec()
}

/// The order in which a node looks at a header, see [`check_header`].
const ORDER: [Rule; 11] = [
    Rule::HeaderPrevious,
    Rule::HeaderHeight,
    Rule::HeaderTarget,
    Rule::HeaderVersion,
    Rule::HeaderMiner,
    Rule::HeaderTimeRange,
    Rule::BlockCapacity,
    Rule::HeaderProofOfWork,
    Rule::HeaderHistoryRoot,
    Rule::HeaderTimeMedian,
    Rule::HeaderTimeFuture,
];

/// Every rule that a header breaks by what `check` looks at.
fn header_errors(
    params: &Params,
    header: &Header,
    check: impl Fn(&Params, &Header) -> Result<(), RuleError>,
) -> Vec<RuleError> {
    let (mut errors, mut mended) = (Vec::new(), header.clone());
    while let Err(error) = check(params, &mended) {
        let is_first = [Rule::HeaderPrevious, Rule::HeaderHeight, Rule::HeaderTarget].contains(&error.rule());
        if !is_first || !mend(&mut mended, &error) {
            break;
        }
        errors.push(error);
    }
    if !header.target.expand().is_some_and(|target| target.is_met_by(&header.id())) {
        errors.push(RuleError::HeaderProofOfWork { id: header.id(), target: header.target });
    }
    // Two attempts a block: what the other rules say is worth no more work.
    let mut easy = params.clone();
    (easy.floor, easy.retarget) = (CompactTarget::from_bits(0x207f_ffff), Retarget::Never);
    mended.target = easy.floor;
    while search::mine(&mut mended)
        && let Err(error) = check(&easy, &mended)
    {
        errors.push(error);
        if !mend(&mut mended, &error) {
            break;
        }
    }
    errors.sort_by_key(|error| ORDER.iter().position(|rule| *rule == error.rule()));
    errors
}

/// Makes the header obey the rule that it was refused for; `false` where there is nothing to mend.
fn mend(header: &mut Header, error: &RuleError) -> bool {
    match *error {
        RuleError::HeaderPrevious { expected, .. } => header.previous = expected,
        RuleError::HeaderHeight { expected, .. } => header.height = expected,
        RuleError::HeaderTarget { expected, .. } => header.target = expected,
        RuleError::HeaderVersion { expected, .. } => header.version = expected,
        RuleError::HeaderMiner { .. } => header.miner = Person::Ada.account(),
        RuleError::HeaderTimeRange { .. } => header.time = params().genesis().time,
        RuleError::BlockCapacity { .. } => header.transaction_count = 0,
        RuleError::HeaderHistoryRoot { expected, .. } => header.history_root = expected,
        RuleError::HeaderTimeMedian { median, .. } => header.time = median.plus(1),
        RuleError::HeaderTimeFuture { limit, .. } => header.time = limit,
        _ => return false,
    }
    true
}

/// Every rule that the payments break as the header's.
fn body_errors(block: &Block) -> Vec<RuleError> {
    let Block { header, transactions } = block;
    let body = Executed {
        transaction_count: u32::try_from(transactions.len()).unwrap_or(u32::MAX),
        transactions_root: transactions_root(transactions),
        state_root: header.state_root,
    };
    let counted = Header { transaction_count: body.transaction_count, ..header.clone() };
    let mut errors: Vec<RuleError> =
        [header, &counted].into_iter().filter_map(|header| body.check(header).err()).collect();
    errors.dedup();
    errors
}
