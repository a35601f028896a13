//! Calls, from the PBX to JKC and back.

use crate::harness::{House, SOON, on_runtime};
use schakel_contract::views::{ActionName, Direction};

#[test]
fn t03_t04_a_call_rings_is_answered_and_ends_and_jkc_is_told_each_time() {
    on_runtime(async {
        let house = House::start().await;
        let jan = house.agent("jan", "2001").await;
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        let ringing = house.told(mark, "call.ringing", Some("2001")).await;
        let call = ringing.data.call.unwrap();
        assert_eq!(call.direction, Direction::Inbound);
        assert_eq!(call.calling.number.as_deref(), Some("0201234567"));
        assert!(ringing.expirytime.is_some(), "a pop-up is of no use for ever");
        assert_eq!(ringing.data.agent.unwrap().id, "jan");
        jan.ringing(SOON).await.unwrap();
        jan.control(ActionName::Answer).await.unwrap();
        let answered = house.told(mark, "call.answered", Some("2001")).await;
        assert_eq!(answered.data.contact.unwrap().id, ringing.data.contact.unwrap().id);
        house.pbx.hang_up("0201234567").unwrap();
        house.told(mark, "call.ended", None).await;
        house.ends_clean().await;
    });
}

#[test]
fn t05_t06_t09_t15_hold_retrieve_and_hang_up_with_the_buttons_of_each_state() {
    on_runtime(async {
        let house = House::start().await;
        let jan = house.agent("jan", "2001").await;
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        jan.ringing(SOON).await.unwrap();
        jan.control(ActionName::Answer).await.unwrap();
        jan.connected(SOON).await.unwrap();
        for (action, kind, then) in [
            (ActionName::Hold, "call.held", ActionName::Retrieve),
            (ActionName::Retrieve, "call.retrieved", ActionName::Hold),
        ] {
            jan.control(action).await.unwrap();
            let told = house.told(mark, kind, Some("2001")).await;
            let call = told.data.call.unwrap();
            let here = call.connections.iter().find(|connection| connection.device == "2001").unwrap();
            let allowed: Vec<_> = here.actions.iter().filter(|a| a.allowed).map(|a| a.action).collect();
            assert!(allowed.contains(&then) && !allowed.contains(&action), "after {kind}: {allowed:?}");
            assert!(
                here.actions.iter().all(|a| a.allowed || a.reason.is_some()),
                "an action that is not allowed says why not"
            );
        }
        jan.control(ActionName::HangUp).await.unwrap();
        house.told(mark, "call.ended", None).await;
        house.ends_clean().await;
    });
}

#[test]
fn t12_a_call_is_dialled_from_jkc() {
    on_runtime(async {
        let house = House::start().await;
        let jan = house.agent("jan", "2001").await;
        let mark = house.mark();
        let reply = jan.dial("0307654321").await.unwrap();
        let dialling = house.told(mark, "call.dialling", Some("2001")).await;
        assert_eq!(dialling.data.call.as_ref().unwrap().direction, Direction::Outbound);
        assert_eq!(dialling.data.call.as_ref().unwrap().dialled_by, Some(reply.command.id));
        let remote = house.told(mark, "call.alerting-remote", None).await;
        assert_eq!(remote.data.contact.unwrap().customer.number.as_deref(), Some("0307654321"));
        house.pbx.answer("0307654321").unwrap();
        house.told(mark, "call.answered", None).await;
        jan.control(ActionName::HangUp).await.unwrap();
        house.told(mark, "call.ended", None).await;
        house.ends_clean().await;
    });
}

#[test]
fn t03_a_caller_who_gives_up_is_missed_and_not_answered() {
    on_runtime(async {
        let house = House::start().await;
        let mark = house.mark();
        house.pbx.ring("0201234567", "2003").unwrap();
        house.told(mark, "call.ringing", Some("2003")).await;
        house.pbx.hang_up("0201234567").unwrap();
        let missed = house.told(mark, "call.missed", None).await;
        assert!(missed.data.call.unwrap().answered_at.is_none());
        house.ends_clean().await;
    });
}

#[test]
fn t14_a_second_registration_takes_the_seat_over() {
    on_runtime(async {
        let house = House::start().await;
        let _jan = house.agent("jan", "2001").await;
        let mark = house.mark();
        let _piet = house.agent("piet", "2001").await;
        house.pbx.ring("0201234567", "2001").unwrap();
        let ringing = house.told(mark, "call.ringing", Some("2001")).await;
        assert_eq!(ringing.data.agent.unwrap().id, "piet");
        let jan: schakel_contract::views::AgentView<'static> =
            house.api.get(&["agents", "jan"]).await.unwrap();
        assert!(jan.registration.is_none(), "{jan:?}");
        house.pbx.hang_up("0201234567").unwrap();
        house.ends_clean().await;
    });
}
