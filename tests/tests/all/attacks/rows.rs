//! Every attack that is known to have worked somewhere, and the tests that make it.

use std::fs;
use std::path::Path;

/// The attacks: making coins, consensus, denial of service, storage, access.
const ATTACKS: [&str; 5] = [
    "L01 L02 L03 L04 L05 L06 L07 L08 L09 L10 L11 L12 L13 L14 L27 L28 L30",
    "L15 L16 L17 L18 L19 L20 L21 L22 L23 L24 L25 L26 L31",
    "L29 S13 S14 S16 S17 S18 S19 S20 S21 S22",
    "S05 S10 S11 S23 S26",
    "S01 S02 S03 S04 S06 S07 S08 S15 X01",
];

/// Attacks, and the test that makes them: the file below the folder of the tests, and the function.
const TESTS: &[(&str, &str, &str)] = &[
    ("L01 L02 L28", "attacks/minting.rs", "a_block_grants_its_miner_the_reward_and_nothing_else"),
    ("L03", "attacks/minting.rs", "a_payment_that_its_sender_did_not_sign_is_refused"),
    ("L04 L06", "attacks/minting.rs", "a_block_cannot_spend_more_than_there_is"),
    ("L05", "attacks/minting.rs", "a_mined_payment_cannot_be_made_again"),
    ("L07 L08 L09 L10", "attacks/minting.rs", "amounts_are_decimal_strings_above_zero"),
    ("L07 L08", "attacks/minting.rs", "a_block_with_an_amount_of_zero_is_refused"),
    ("L11", "attacks/minting.rs", "ten_tenths_are_one"),
    ("L12", "attacks/minting.rs", "signed_fields_cannot_be_cut_elsewhere"),
    ("L13 L30", "attacks/minting.rs", "proof_of_work_covers_receiver_reward_time_and_content"),
    ("L14", "attacks/minting.rs", "one_coin_is_spent_once"),
    ("L27", "attacks/minting.rs", "a_recipient_is_an_address_of_this_network"),
    ("L16", "attacks/minting.rs", "every_rule_holds_at_the_peers_door"),
    ("L15", "attacks/consensus.rs", "times_that_no_clock_shows_are_refused"),
    ("L15", "attacks/consensus.rs", "a_chain_file_with_a_time_that_is_none_is_refused_at_its_line"),
    ("L16", "attacks/consensus.rs", "a_peer_with_another_genesis_is_sent_away"),
    ("L16", "attacks/consensus.rs", "heights_are_counted"),
    ("L17", "attacks/consensus.rs", "more_blocks_with_less_work_do_not_win"),
    ("L21", "attacks/consensus.rs", "a_node_that_is_its_own_peer_goes_on"),
    ("L24", "attacks/consensus.rs", "an_amount_that_was_edited_in_the_chain_file_is_noticed"),
    ("L24", "attacks/consensus.rs", "an_edited_amount_with_a_right_checksum_breaks_the_rules"),
    ("L25", "attacks/consensus.rs", "a_fork_at_equal_height_ends_with_the_next_block"),
    ("L26", "attacks/consensus.rs", "two_nodes_resolve_a_fork_at_equal_height"),
    ("L31", "attacks/consensus.rs", "thirty_blocks_in_a_row_become_harder"),
    ("S18", "attacks/denial.rs", "a_claimed_height_of_a_billion_does_not_stop_mining"),
    ("L29 S22 S17", "attacks/poison.rs", "poison_does_not_survive_a_restart"),
    ("L29", "attacks/poison.rs", "a_ruined_index_is_made_anew"),
    ("S16 S14 S19", "attacks/denial.rs", "peers_that_misbehave_do_not_keep_the_others_from_being_tried"),
    ("S16", "attacks/denial.rs", "what_is_no_message_ends_the_connection_and_nothing_else"),
    ("S16", "attacks/relay.rs", "lies_about_the_payments_of_a_block_do_not_keep_it_from_a_node"),
    ("S14", "attacks/denial.rs", "silent_connections_are_ended_and_block_nobody"),
    ("S19", "attacks/denial.rs", "a_peer_that_asks_and_never_reads_costs_a_bounded_queue"),
    ("S18", "attacks/denial.rs", "branches_of_little_work_are_followed_but_not_kept"),
    ("S19", "attacks/denial.rs", "a_message_that_is_too_large_is_not_read"),
    ("S13", "attacks/denial.rs", "a_body_of_two_hundred_megabytes_is_refused_unread"),
    ("S20", "attacks/denial.rs", "five_hundred_half_open_connections_leave_room_for_the_owner"),
    ("S21", "attacks/denial.rs", "json_that_breaks_readers_is_malformed"),
    ("S05", "attacks/access.rs", "a_wallet_is_never_replaced"),
    ("S01", "attacks/access.rs", "no_route_shows_a_private_key"),
    ("S01", "attacks/access.rs", "the_network_gets_nothing_that_is_the_operators"),
    ("S01", "attacks/access.rs", "a_forwarded_request_is_not_from_this_computer"),
    ("S02", "attacks/access.rs", "a_node_listens_to_its_own_computer_unless_told_otherwise"),
    ("S01 S03 S06", "attacks/doors/mod.rs", "every_door_of_a_node_for_its_own_computer"),
    ("S01 S03 S06", "attacks/doors/mod.rs", "every_door_of_a_node_that_is_open_to_others"),
    ("S01", "attacks/secrets.rs", "what_only_the_owner_knows_is_said_nowhere"),
    ("S03", "attacks/access.rs", "a_page_of_another_origin_reads_and_changes_nothing"),
    ("S04", "attacks/access.rs", "a_form_of_another_site_changes_nothing"),
    ("S06", "attacks/access.rs", "a_foreign_host_is_refused"),
    ("S07", "attacks/access.rs", "files_with_secrets_are_the_operators_alone"),
    ("S08", "attacks/access.rs", "no_key_lies_in_the_repository"),
    ("S15", "attacks/access.rs", "a_peer_is_a_host_and_a_port_and_leads_nowhere_else"),
    ("S10", "crashes/kills.rs", "nothing_acknowledged_is_lost_in_fifty_kills"),
    ("S11", "crashes/disk.rs", "a_full_disk_ends_acknowledgements_and_loses_nothing"),
    ("S11", "crashes/disk.rs", "a_file_that_cannot_grow_ends_acknowledgements_and_loses_nothing"),
    ("S23", "crashes/disk.rs", "a_disk_that_became_read_only_is_named_and_loses_nothing"),
    ("S26", "crashes/folder.rs", "a_start_from_another_folder_finds_the_same_chain"),
    ("L18", "network/branches.rs", "a_branch_of_two_hundred_blocks_is_replaced_and_its_payments_survive"),
    ("L19", "network/clients.rs", "a_payment_that_is_sent_again_with_its_number_is_paid_once"),
    ("L20", "walkthrough/mod.rs", "the_far_end_of_a_line_hears_of_blocks_and_transactions"),
    ("L22", "network/clients.rs", "six_clients_that_mine_at_once_make_one_chain"),
    ("L23", "network/clients.rs", "payments_that_arrive_while_blocks_are_mined_are_all_mined"),
    ("L24", "walkthrough/command_line.rs", "an_amount_that_is_edited_in_the_chain_file_is_found"),
    ("L25", "network/branches.rs", "nodes_that_fork_at_equal_height_agree_with_the_next_block"),
    ("L26", "network/branches.rs", "asking_for_the_best_chain_says_what_came_of_it"),
    ("S14", "network/peers.rs", "a_silent_peer_keeps_nobody_from_following_the_others"),
    ("S03", "attacks/browser.rs", "a_page_of_another_origin_gets_nothing_from_a_browser"),
    ("S04", "attacks/browser.rs", "forms_of_another_site_change_nothing_in_a_browser"),
    ("S06", "attacks/browser.rs", "a_name_that_leads_here_is_refused_in_a_browser"),
    ("X01", "attacks/browser.rs", "markup_of_others_is_inert_in_a_browser"),
    ("X01", "attacks/denial.rs", "what_a_peer_says_is_shown_short_and_without_controls"),
    ("X01", "attacks/access.rs", "markup_of_others_is_data"),
];

#[test]
fn every_attack_is_made_by_a_test() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all"));
    let made: Vec<&str> = TESTS.iter().flat_map(|(attacks, ..)| attacks.split(' ')).collect();
    let all: Vec<&str> = ATTACKS.iter().flat_map(|attacks| attacks.split(' ')).collect();
    for attack in &all {
        assert!(made.contains(attack), "no test makes the attack {attack}");
    }
    assert!(made.iter().all(|attack| all.contains(attack)), "a test names an attack that is not listed");
    for (attacks, file, test) in TESTS {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        let is_test = text.split("#[test]\n").skip(1).any(|after| after.starts_with(&format!("fn {test}()")));
        assert!(is_test, "{attacks}: {file} has no test {test}");
    }
}
