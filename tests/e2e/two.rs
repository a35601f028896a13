//! Two PBXs at once, with the same extensions and the same call ids.

use crate::harness::{House, SOON, on_runtime, pbx};
use schakel::softphone::{Seat, Softphone};
use schakel_contract::views::ActionName;
use tempfile::TempDir;

#[test]
fn t25_two_pbxs_with_the_same_extensions_and_call_ids_are_not_mixed_up() {
    on_runtime(async {
        let other = schakel_simulator::start(pbx()).await.unwrap();
        let address = other.csta_address().unwrap();
        let more = format!(
            "\n[[providers]]\nname = \"other\"\naddress = \"{address}\"\n[[providers.devices]]\nnumbers = [\"2001-2003\"]\n"
        );
        let folder = TempDir::new().unwrap();
        let house = House::furnished(folder, None, pbx(), "", |text| text + &more).await;
        let at = |name: &str, provider: &str| Seat {
            agent: name.into(),
            provider: provider.into(),
            device: "2001".into(),
            ..Seat::default()
        };
        let jan = Softphone::sign_on(house.api.clone(), at("jan", "pbx")).await.unwrap();
        let els = Softphone::sign_on(house.api.clone(), at("els", "other")).await.unwrap();
        let ids = [house.pbx.ring("0201111111", "2001").unwrap(), other.ring("0202222222", "2001").unwrap()];
        assert_eq!(ids[0], ids[1], "the ids are the same, or this shows nothing");
        let (for_jan, for_els) = (jan.ringing(SOON).await.unwrap(), els.ringing(SOON).await.unwrap());
        assert_eq!(for_jan.calling.number.as_deref(), Some("0201111111"));
        assert_eq!(for_els.calling.number.as_deref(), Some("0202222222"));
        assert_ne!(for_jan.contact, for_els.contact);

        let mark = house.mark();
        els.control(ActionName::Answer).await.unwrap();
        let answered = house.told(mark, "call.answered", Some("2001")).await;
        assert_eq!(answered.data.call.unwrap().id, for_els.id);
        let jans = house.live_calls().await.into_iter().find(|call| call.id == for_jan.id).unwrap();
        assert!(jans.answered_at.is_none(), "the other one still rings");

        // One link is lost: the other does not notice.
        let mark = house.mark();
        house.pbx.cut();
        house.told(mark, "call.stale", None).await;
        els.control(ActionName::Hold).await.unwrap();
        house.pbx.mend();
        let resynced = house.told(mark, "provider.resynced", None).await;
        assert_eq!(resynced.data.provider.unwrap().id, "pbx");
        let stale = house.jkc.look(|ledger| {
            ledger.since(mark).filter(|entry| entry.event.data.change == "call.stale").count()
        });
        assert_eq!(stale, 1, "of one of the two calls alone");
        other.hang_up("0202222222").unwrap();
        house.pbx.hang_up("0201111111").unwrap();
        house.ends_clean().await;
        other.stop().await;
    });
}
