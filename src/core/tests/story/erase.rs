//! A customer is forgotten at his request (GDPR article 17): what happened stays.

use crate::common::{World, report};
use schakel_core::input::InputBody;
use schakel_core::model::call::{ConnectionState, Party};
use schakel_core::model::time::Millis;
use schakel_core::notification::Kind;
use schakel_core::report::CallEvent;

const NUMBER: &[u8] = b"0612345678";

#[expect(clippy::unwrap_used, reason = "a test fails by it")]
fn is_in_state(world: &World) -> bool {
    let bytes = postcard::to_allocvec(&world.state).unwrap();
    bytes.windows(NUMBER.len()).any(|window| window == NUMBER)
}

fn hidden() -> Party {
    Party { restricted: true, ..Party::default() }
}

#[test]
fn avg_17_of_an_ended_call_nothing_says_who_it_was() {
    let mut world = World::new();
    world.talks("c1");
    world.cleared("c1", "0612345678");
    world.cleared("c1", "2001");
    assert!(is_in_state(&world));
    let contact = world.contact("c1").id;
    let told = world.told.len();
    world.input(InputBody::Erase { contacts: vec![contact], sessions: Vec::new() });
    assert!(!is_in_state(&world));
    assert_eq!(world.told.len(), told, "nobody is told");
    assert_eq!((&world.call("c1").calling, &world.contact("c1").customer), (&hidden(), &hidden()));
    assert!(world.call("c1").called.number.is_some(), "who was called is a colleague");
    // Once more, and of one that is not there (any more), nothing happens.
    world.input(InputBody::Erase { contacts: vec![contact], sessions: Vec::new() });
    world.wait(Millis::seconds(3_600));
    world.input(InputBody::Erase { contacts: vec![contact], sessions: Vec::new() });
    assert!(world.state.contacts.is_empty());
}

#[test]
fn avg_17_a_call_that_goes_on_can_be_ended_and_is_not_known_again() {
    let mut world = World::new();
    world.talks("c1");
    let contact = world.contact("c1").id;
    world.input(InputBody::Erase { contacts: vec![contact], sessions: Vec::new() });
    // The telephone system names him with every event.
    world.report(
        report(CallEvent::Held, "c1", "2001")
            .seen("2001", ConnectionState::Held)
            .from("0612345678")
            .to("2001"),
    );
    assert_eq!((&world.call("c1").calling, &world.contact("c1").customer), (&hidden(), &hidden()));
    assert_eq!(world.at("c1", "2001"), ConnectionState::Held);
    world.cleared("c1", "0612345678");
    world.cleared("c1", "2001");
    world.last_told(Kind::CallEnded);
    world.input(InputBody::Erase { contacts: vec![contact], sessions: Vec::new() });
    assert!(!is_in_state(&world));
}

#[test]
fn avg_17_an_input_that_was_erased_changes_nothing_when_it_is_read_again() {
    let mut world = World::new();
    world.input(InputBody::Erased);
    let before = world.state.clone();
    world.input(InputBody::Erased);
    assert_eq!(world.state, before, "the place of an erased input says nothing");
}
