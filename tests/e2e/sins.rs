//! What real PBXs and networks do wrong, on demand; nothing is lost, doubled or haunted by it.

use crate::harness::{House, SOON, on_runtime, pbx};
use schakel_contract::views::{ActionName, ObservationsView};
use schakel_simulator::config::{DeviceIdStyle, Order};
use schakel_simulator::duration::Span;
use schakel_simulator::sins::{Desync, Sin};
use schakel_simulator::switch::Cause;

/// One call of each kind through a house, and a clean end.
pub async fn a_whole_call(house: House) {
    let jan = house.agent("jan", "2001").await;
    let mark = house.mark();
    house.pbx.ring("0201234567", "2001").unwrap();
    let ringing = house.told(mark, "call.ringing", Some("2001")).await;
    jan.ringing(SOON).await.unwrap();
    jan.control(ActionName::Answer).await.unwrap();
    house.told(mark, "call.answered", Some("2001")).await;
    jan.control(ActionName::Hold).await.unwrap();
    house.told(mark, "call.held", Some("2001")).await;
    jan.control(ActionName::Retrieve).await.unwrap();
    house.told(mark, "call.retrieved", Some("2001")).await;
    house.pbx.hang_up("0201234567").unwrap();
    let ended = house.told(mark, "call.ended", None).await;
    assert_eq!(ended.data.call.unwrap().id, ringing.data.call.unwrap().id);
    let rang = house
        .jkc
        .look(|ledger| ledger.since(mark).filter(|entry| entry.event.data.change == "call.ringing").count());
    assert_eq!(rang, 1, "a call rings once");
    house.ends_clean().await;
}

#[test]
fn events_before_the_response_are_understood() {
    on_runtime(async {
        let mut config = pbx();
        config.csta.order = Order::EventsFirst;
        a_whole_call(House::with(config, "").await).await;
    });
}

#[test]
fn doubled_events_are_heard_once() {
    on_runtime(async {
        let house = House::start().await;
        house.pbx.sin(&Sin::DuplicateEvents { count: 1000 }).unwrap();
        a_whole_call(house).await;
    });
}

#[test]
fn messages_cut_anywhere_by_tcp_are_whole_again() {
    on_runtime(async {
        let house = House::start().await;
        house.pbx.sin(&Sin::Dribble { largest: 3, seed: 7 }).unwrap();
        a_whole_call(house).await;
    });
}

#[test]
fn reused_call_ids_are_other_calls() {
    on_runtime(async {
        let house = House::start().await;
        let mark = house.mark();
        house.pbx.ring("0201111111", "2001").unwrap();
        let first = house.told(mark, "call.ringing", Some("2001")).await;
        house.pbx.hang_up("0201111111").unwrap();
        house.told(mark, "call.missed", None).await;
        house.pbx.sin(&Sin::ReuseCallIds { count: 1 }).unwrap();
        let mark = house.mark();
        house.pbx.ring("0202222222", "2001").unwrap();
        let second = house.told(mark, "call.ringing", Some("2001")).await;
        assert_ne!(first.data.call.unwrap().id, second.data.call.as_ref().unwrap().id);
        assert_ne!(first.data.contact.unwrap().id, second.data.contact.unwrap().id);
        assert_eq!(second.data.call.unwrap().calling.number.as_deref(), Some("0202222222"));
        house.pbx.hang_up("0202222222").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn a_malformed_message_is_refused_and_the_link_lives_on() {
    on_runtime(async {
        let house = House::start().await;
        let mark = house.mark();
        house.pbx.sin(&Sin::MalformedEvents { count: 1 }).unwrap();
        // The malformed message takes the place of this call's first event.
        house.pbx.ring("0201111111", "2003").unwrap();
        house.pbx.hang_up("0201111111").unwrap();
        house.pbx.ring("0202222222", "2001").unwrap();
        house.told(mark, "call.ringing", Some("2001")).await;
        let down = house.jkc.look(|ledger| {
            ledger.since(mark).filter(|entry| entry.event.data.change == "provider.down").count()
        });
        assert_eq!(down, 0, "one bad message costs no link");
        let observed = async {
            loop {
                // As of the last second; asked too often it is refused for a while.
                let seen = house.api.get::<ObservationsView<'static>>(&["providers", "pbx", "observations"]);
                if let Ok(seen) = seen.await
                    && let [message] = seen.refused.as_slice()
                {
                    assert!(!message.reason.is_empty() && !message.text.is_empty(), "{seen:?}");
                    assert!(seen.counters.iter().any(|c| c.name == "messages_refused" && c.count == 1));
                    return;
                }
            }
        };
        tokio::time::timeout(SOON, observed).await.expect("the operator can look at what was refused");
        house.pbx.hang_up("0202222222").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn a_desynchronised_stream_is_closed_and_made_anew_and_the_call_goes_on() {
    on_runtime(async {
        let house = House::start().await;
        let jan = house.agent("jan", "2001").await;
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        let ringing = house.told(mark, "call.ringing", Some("2001")).await;
        jan.ringing(SOON).await.unwrap();
        jan.control(ActionName::Answer).await.unwrap();
        house.told(mark, "call.answered", Some("2001")).await;
        house.pbx.sin(&Sin::Desync { how: Desync::Garbage }).unwrap();
        let down = house.told(mark, "provider.down", None).await;
        assert!(down.data.provider.unwrap().reason.is_some(), "the operator is told why");
        house.told(mark, "call.stale", None).await;
        house.told(mark, "provider.resynced", None).await;
        let calls = house.live_calls().await;
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].id, ringing.data.call.unwrap().id);
        assert!(calls[0].stale_since.is_none());
        house.pbx.hang_up("0201234567").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn what_happens_while_the_link_is_cut_is_found_out_afterwards() {
    on_runtime(async {
        let house = House::start().await;
        let mark = house.mark();
        house.pbx.ring("0201111111", "2001").unwrap();
        house.pbx.ring("0202222222", "2002").unwrap();
        house.told(mark, "call.ringing", Some("2001")).await;
        house.told(mark, "call.ringing", Some("2002")).await;
        house.pbx.sin(&Sin::CutLink { during: None }).unwrap();
        house.told(mark, "call.stale", None).await;
        // One gives up, one is answered, one begins: nobody tells us.
        house.pbx.hang_up("0201111111").unwrap();
        house.pbx.answer("2002").unwrap();
        house.pbx.ring("0203333333", "2003").unwrap();
        house.pbx.sin(&Sin::Heal).unwrap();
        house.told(mark, "provider.resynced", None).await;
        let missed = house.told(mark, "call.missed", None).await;
        assert_eq!(missed.data.observation, schakel_contract::event::Observation::Reconstructed);
        let answered = house.told(mark, "call.answered", Some("2002")).await;
        assert_eq!(answered.data.observation, schakel_contract::event::Observation::Reconstructed);
        let found = house.told(mark, "call.ringing", Some("2003")).await;
        assert_eq!(found.data.call.unwrap().calling.number.as_deref(), Some("0203333333"));
        house.pbx.hang_up("0202222222").unwrap();
        house.pbx.hang_up("0203333333").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn a_pbx_that_restarts_and_forgets_its_calls_leaves_no_ghosts() {
    on_runtime(async {
        let house = House::start().await;
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        house.told(mark, "call.ringing", Some("2001")).await;
        house.pbx.sin(&Sin::Restart { keep_calls: false, during: None }).unwrap();
        house.told(mark, "provider.resynced", None).await;
        house.ends_clean().await;
    });
}

#[test]
fn a_command_that_the_pbx_refuses_is_a_refusal_and_changes_nothing() {
    on_runtime(async {
        let house = House::start().await;
        let jan = house.agent("jan", "2001").await;
        house.pbx.ring("0201234567", "2001").unwrap();
        jan.ringing(SOON).await.unwrap();
        house
            .pbx
            .sin(&Sin::Errors {
                category: "systemResourceAvailibility".into(),
                value: "resourceBusy".into(),
                count: 1,
            })
            .unwrap();
        let error = jan.control(ActionName::Answer).await.expect_err("the PBX refused");
        assert!(
            error.to_string().contains("resourceBusy") || format!("{error:?}").contains("resourceBusy"),
            "{error:?}"
        );
        jan.control(ActionName::Answer).await.expect("and the next time it did not");
        house.pbx.hang_up("0201234567").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn t15_an_event_that_was_lost_is_found_out_when_the_pbx_refuses_what_follows_from_it() {
    on_runtime(async {
        let house = House::start().await;
        let jan = house.agent("jan", "2001").await;
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        jan.ringing(SOON).await.unwrap();
        jan.control(ActionName::Answer).await.unwrap();
        house.told(mark, "call.answered", Some("2001")).await;
        jan.connected(SOON).await.unwrap();
        // At the telephone itself; nobody hears it.
        house.pbx.sin(&Sin::LoseEvents { count: 1 }).unwrap();
        house.pbx.hold("2001").unwrap();
        jan.control(ActionName::Hold).await.expect_err("the call is on hold already");
        let held = house.told(mark, "call.held", Some("2001")).await;
        assert_eq!(held.data.observation, schakel_contract::event::Observation::Reconstructed);
        let call = held.data.call.unwrap().id;
        let retrieve = |picture: &schakel::client::Picture| {
            picture.call(call)?.connection("2001")?.allows(ActionName::Retrieve).then_some(())
        };
        jan.wait("the retrieve button", SOON, retrieve).await.unwrap();
        jan.control(ActionName::Retrieve).await.unwrap();
        house.pbx.hang_up("0201234567").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn answers_that_come_late_are_answers() {
    on_runtime(async {
        let house = House::start().await;
        house.pbx.sin(&Sin::AnswerLate { by: Span::millis(300), count: 100 }).unwrap();
        a_whole_call(house).await;
    });
}

#[test]
fn a_wrong_cause_does_not_stop_a_call_from_being_one() {
    on_runtime(async {
        let house = House::start().await;
        house.pbx.sin(&Sin::WrongCause { cause: Cause::Busy, count: 100 }).unwrap();
        a_whole_call(house).await;
    });
}

#[test]
fn names_that_are_not_ascii_come_through_whole() {
    on_runtime(async {
        let mut config = pbx();
        config.csta.device_ids = DeviceIdStyle::Named;
        let house = House::with(config, "[providers.csta]\ndialect = \"openscape-voice\"").await;
        let mark = house.mark();
        house.pbx.call("2002", "2001").unwrap();
        let ringing = house.told(mark, "call.ringing", Some("2001")).await;
        let calling = ringing.data.call.unwrap().calling;
        assert_eq!((calling.name.as_deref(), calling.number.as_deref()), (Some("Zoë Öztürk"), Some("2002")));
        house.pbx.hang_up("2002").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn a_link_that_stalls_is_given_up_and_made_anew() {
    on_runtime(async {
        let keys = "[providers.csta]\nheartbeat_seconds = 1\nrequest_limit_seconds = 1";
        let house = House::with(pbx(), keys).await;
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        let ringing = house.told(mark, "call.ringing", Some("2001")).await;
        house.pbx.sin(&Sin::StallLink { during: None }).unwrap();
        house.told(mark, "provider.down", None).await;
        house.pbx.sin(&Sin::Heal).unwrap();
        house.told(mark, "provider.resynced", None).await;
        let calls = house.live_calls().await;
        assert_eq!(calls.iter().map(|call| call.id).collect::<Vec<_>>(), [ringing.data.call.unwrap().id]);
        house.pbx.hang_up("0201234567").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn a_monitor_that_the_pbx_refuses_is_shown_with_its_reason() {
    on_runtime(async {
        let house = House::start().await;
        let mark = house.mark();
        house.pbx.sin(&Sin::Restart { keep_calls: false, during: None }).unwrap();
        house.pbx.sin(&Sin::RefuseMonitors { count: 1 }).unwrap();
        let up = house.told(mark, "provider.resynced", None).await.data.provider.unwrap();
        assert_eq!(up.monitors.refused, 1);
        let devices: schakel_contract::views::Page<schakel_contract::views::DeviceView<'static>> =
            house.api.get(&["devices"]).await.unwrap();
        let refused = format!("{:?}", devices.items);
        assert!(refused.contains("overallMonitorLimitExceeded"), "{refused}");
        house.ends_clean().await;
    });
}
