//! What every back end of the journal must do. A back end runs it by handing over how to open it:
//! `conformance!(|| MyFixture::new())`, where each `open` reopens what was written before.

use std::sync::Arc;

use schakel_journal::{Batch, Input, Notification, Options, Recovery, Store};

pub mod chats;
pub mod delivery;
pub mod facts;
pub mod history;
pub mod tables;

/// One journal of a back end, empty at first.
pub trait Fixture {
    /// Opens it; everything that was opened before has been dropped.
    fn open_with(&self, options: Options) -> (Store, Recovery);

    /// The same with the usual limits.
    fn open(&self) -> (Store, Recovery) {
        self.open_with(Options::default())
    }
}

/// A test for each rule, for one back end.
#[macro_export]
macro_rules! conformance {
    ($fixture:expr) => {
        $crate::conformance!(@each $fixture;
            history: an_empty_journal_starts_at_one, everything_comes_back_after_a_restart, a_gap_is_refused,
                a_failed_submission_holds_up_those_behind_it_only_until_it_is_offered_again,
                submissions_are_committed_in_order_and_share_commits, a_batch_is_all_or_nothing,
                a_snapshot_bounds_the_replay, a_snapshot_of_the_future_is_refused, a_page_goes_on_where_it_ended,
                a_filter_lets_the_cursor_move, a_contact_has_a_timeline, pruning_goes_from_the_front_in_steps,
                pruning_keeps_the_numbers, inputs_without_a_snapshot_are_not_pruned, too_many_waiting_are_refused;
            delivery: deliveries_wait_until_settled, subscriptions_do_not_see_each_other,
                a_dead_letter_is_listed_and_redriven_by_id, dead_letters_are_redriven_by_period,
                attempts_are_kept_newest_first, pruning_takes_deliveries_along, a_subscription_is_forgotten;
            facts: a_fact_takes_the_place_of_an_earlier_one, facts_are_read_by_period_in_pages,
                facts_are_anonymised_once_and_come_back_named, a_fact_that_cannot_be_anonymised_is_told,
                facts_are_removed_in_steps;
            chats: w08_what_agents_say_among_themselves_is_in_their_view_only,
                o14_a_message_is_there_with_its_input_or_not_at_all,
                a_number_that_is_given_twice_does_not_stop_the_house,
                a_page_ends_at_its_limit_and_says_whether_there_is_more,
                whether_a_message_arrived_is_kept_beside_it, o24_a_record_takes_the_place_of_the_one_before,
                a_chat_goes_with_all_that_is_of_it, erased_words_are_gone_and_the_order_stays,
                w09_a_file_comes_back_and_only_to_its_chat, c15_a_mail_waits_until_it_is_taken_or_given_up;
            tables: a_key_is_known_from_acceptance_to_reply, old_keys_are_pruned, records_are_created_replaced_deleted;
        );
    };
    (@each $fixture:expr; $($module:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                conformance::$module::$name(&$fixture).await;
            }
        )+)+
    };
}

/// Milliseconds of `seq`: one a notification, so that periods are easy to say.
pub fn at(seq: u64) -> i64 {
    1_700_000_000_000 + seq as i64
}

pub fn input(seq: u64) -> Input {
    Input { seq, at_ms: at(seq), bytes: format!("input {seq}").into() }
}

/// A notification for contact `seq % 3 + 1`, ringing when even.
pub fn notification(seq: u64, deliveries: &[u128]) -> Arc<Notification> {
    let contact = u128::from(seq % 3) + 1;
    Arc::new(Notification {
        seq,
        input_seq: seq,
        id: 0x1000 + u128::from(seq),
        contact: Some(contact),
        contact_seq: seq.div_ceil(3),
        kind: if seq.is_multiple_of(2) { "ringing" } else { "answered" }.into(),
        at_ms: at(seq),
        expires_ms: seq.is_multiple_of(2).then(|| at(seq) + 30_000),
        payload: format!("{{\"seq\":{seq}}}").into(),
        deliveries: deliveries.into(),
    })
}

/// Input and notification of the same number.
pub fn batch(seq: u64, deliveries: &[u128]) -> Batch {
    Batch { inputs: vec![input(seq)], notifications: vec![notification(seq, deliveries)], ..Batch::default() }
}

/// Appends `first..=last`, one batch each, and waits until all are durable.
pub async fn fill(store: &Store, first: u64, last: u64, deliveries: &[u128]) {
    let answers: Vec<_> = (first..=last).map(|seq| store.append(batch(seq, deliveries))).collect();
    for answer in answers {
        answer.await.expect("appended");
    }
}

/// Cursors of what waits for a subscription.
pub fn pending(store: &Store, subscription: u128) -> Vec<u64> {
    let rows = store.reader().unwrap().pending(subscription, 0, 1_000).expect("read");
    rows.iter().map(|row| row.notification.seq).collect()
}
