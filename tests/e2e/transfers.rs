//! Transfers: the customer is never lost, and keeps his contact and his number.

use crate::harness::{House, SOON, on_runtime};
use schakel::softphone::Softphone;
use schakel_contract::views::{ActionName, TransferKind};

/// A customer in conversation with Jan at 2001; gives the contact.
async fn in_conversation(house: &House, jan: &Softphone) -> uuid::Uuid {
    house.pbx.ring("0201234567", "2001").unwrap();
    let call = jan.ringing(SOON).await.unwrap();
    jan.control(ActionName::Answer).await.unwrap();
    jan.connected(SOON).await.unwrap();
    call.contact
}

#[test]
fn t07_a_warm_transfer_gives_the_colleague_the_customer_with_contact_and_number() {
    on_runtime(async {
        let house = House::start().await;
        let (jan, zoe) = (house.agent("jan", "2001").await, house.agent("zoe", "2002").await);
        let mark = house.mark();
        let contact = in_conversation(&house, &jan).await;
        jan.transfer(TransferKind::Warm, "2002").await.unwrap();
        let ringing = house.told(mark, "call.ringing", Some("2002")).await;
        let told = ringing.data.contact.unwrap();
        assert_eq!((told.id, told.customer.number.as_deref()), (contact, Some("0201234567")));
        zoe.ringing(SOON).await.unwrap();
        zoe.control(ActionName::Answer).await.unwrap();
        house.told(mark, "transfer.consulting", None).await;
        jan.complete().await.unwrap();
        let completed = house.told(mark, "transfer.completed", None).await;
        assert_eq!(completed.data.contact.unwrap().id, contact);
        // Her screen has it from another stream than JKC: the consultation may still be the call that she sees.
        let with_customer = |picture: &schakel::client::Picture| {
            let mut calls = picture.calls_at("2002").map(|(call, _)| call);
            calls.find(|call| call.calling.number.as_deref() == Some("0201234567")).map(|call| call.contact)
        };
        assert_eq!(zoe.wait("the customer at 2002", SOON, with_customer).await.unwrap(), contact);
        house.pbx.hang_up("0201234567").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn t07_a_warm_transfer_is_taken_back_from_ringing_and_from_consulting_and_twice() {
    for answered in [false, true] {
        on_runtime(async move {
            let house = House::start().await;
            let (jan, zoe) = (house.agent("jan", "2001").await, house.agent("zoe", "2002").await);
            let mark = house.mark();
            let contact = in_conversation(&house, &jan).await;
            let reply = jan.transfer(TransferKind::Warm, "2002").await.unwrap();
            zoe.ringing(SOON).await.unwrap();
            if answered {
                zoe.control(ActionName::Answer).await.unwrap();
                house.told(mark, "transfer.consulting", None).await;
            }
            jan.take_back().await.unwrap();
            let back = house.told(mark, "transfer.taken-back", None).await;
            assert_eq!(back.data.contact.unwrap().id, contact);
            let transfer = reply.transfer.unwrap().id.to_string();
            let again = house
                .api
                .command(http::Method::POST, &["transfers", &transfer, "take-back"], None::<&()>)
                .await
                .expect("to take back what is back is no error");
            assert_eq!(again.transfer.unwrap().id.to_string(), transfer);
            assert_eq!(jan.connected(SOON).await.unwrap().contact, contact);
            assert_eq!(house.pbx.state().switch.calls.len(), 1, "the consultation is over");
            house.pbx.hang_up("0201234567").unwrap();
            house.ends_clean().await;
        });
    }
}

#[test]
fn t08_a_cold_transfer_reaches_the_colleague_with_contact_and_number() {
    on_runtime(async {
        let house = House::start().await;
        let (jan, zoe) = (house.agent("jan", "2001").await, house.agent("zoe", "2002").await);
        let mark = house.mark();
        let contact = in_conversation(&house, &jan).await;
        jan.transfer(TransferKind::Cold, "2002").await.unwrap();
        let ringing = house.told(mark, "call.ringing", Some("2002")).await;
        let told = ringing.data.contact.unwrap();
        assert_eq!((told.id, told.customer.number.as_deref()), (contact, Some("0201234567")));
        zoe.ringing(SOON).await.unwrap();
        zoe.control(ActionName::Answer).await.unwrap();
        house.told(mark, "transfer.completed", None).await;
        house.pbx.hang_up("0201234567").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn t07_a_transfer_made_by_hand_at_the_telephone_is_followed_too() {
    on_runtime(async {
        let house = House::start().await;
        let jan = house.agent("jan", "2001").await;
        let mark = house.mark();
        let contact = in_conversation(&house, &jan).await;
        house.pbx.consult("2001", "2003").unwrap();
        let ringing = house.told(mark, "call.ringing", Some("2003")).await;
        assert_eq!(ringing.data.contact.unwrap().id, contact);
        house.pbx.answer("2003").unwrap();
        house.told(mark, "transfer.consulting", None).await;
        house.pbx.transfer("2001").unwrap();
        house.told(mark, "transfer.completed", None).await;
        house.pbx.hang_up("2003").unwrap();
        house.ends_clean().await;
    });
}
