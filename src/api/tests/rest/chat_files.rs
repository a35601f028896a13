//! Files of chats (W09): judged by their bytes, saved under a clean name, and private where they are.

use crate::house::{House, Reply, in_house};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use schakel_contract::views::Scope;
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

async fn send(house: &House, path: &str, name: &str, content: &[u8]) -> Reply {
    let request = Request::post(format!("/v1{path}"))
        .header("authorization", format!("Bearer {}", house.token))
        // What the sender says of it does not count.
        .header("content-type", "application/x-msdownload")
        .header("content-disposition", format!("attachment; filename=\"{name}\""));
    house.raw(request.body(Body::from(content.to_vec())).unwrap()).await
}

async fn fetch(house: &House, path: &str) -> (u16, http::HeaderMap, Vec<u8>) {
    let request =
        Request::get(format!("/v1{path}")).header("authorization", format!("Bearer {}", house.token));
    let response = house.router.clone();
    let response = tower::ServiceExt::oneshot(response, request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

async fn say_file(house: &House, chat: &str, audience: &str, file: &Value) -> Reply {
    let path = format!("/chats/{chat}/messages/{}", uuid::Uuid::now_v7());
    let body = json!({ "agent": "jansen", "audience": audience, "text": "Zie de bijlage.", "files": [file] });
    house.send("PUT", &path, Some(body)).await
}

#[test]
fn w09_a_file_is_kept_said_and_saved_and_never_shown() {
    in_house(async |house| {
        let id = house.chats_with_jansen("balie").await;
        let path = format!("/chats/{id}/files");
        let kept = send(&house, &path, "..\\..\\plaatje.exe", PNG).await;
        assert_eq!(kept.status, 201, "{}", kept.body);
        let expected = json!({ "id": kept.body["id"], "name": "plaatje.exe.png", "mediaType": "image/png",
            "size": PNG.len() });
        assert_eq!(kept.body, expected);
        let said = say_file(&house, &id, "public", &kept.body["id"]).await;
        assert_eq!(said.status, 200, "{}", said.body);
        let file = kept.body["id"].as_str().unwrap();
        for path in [format!("{path}/{file}"), format!("/visits/{id}/files/{file}")] {
            let (status, headers, content) = fetch(&house, &path).await;
            assert_eq!((status, &content[..]), (200, PNG), "{path}");
            let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
            assert_eq!(header("content-type"), "image/png");
            assert!(header("content-disposition").starts_with("attachment; filename=\"plaatje.exe.png\""));
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert!(header("content-security-policy").contains("sandbox"));
        }
        assert_eq!(kept.header("location"), format!("/v1{path}/{file}"));
    });
}

#[test]
fn w09_what_is_no_text_pdf_or_picture_is_refused_by_its_bytes() {
    in_house(async |house| {
        house.chats(|chats| chats.limits.file_bytes_max = 1000).await;
        let id = house.chats_with_jansen("balie").await;
        let path = format!("/chats/{id}/files");
        for (name, content) in [
            ("brief.pdf", &b"MZ\x90\0\x03\0\0\0"[..]),
            ("foto.png", b"PK\x03\x04\x14\0\0\0\x08\0"),
            ("brief.txt", b"a \0 b"),
            ("leeg.txt", b""),
        ] {
            let refused = send(&house, &path, name, content).await;
            assert_eq!((refused.status.as_u16(), refused.problem()), (422, "invalid-content"), "{name}");
        }
        let large = send(&house, &path, "groot.txt", &[b'a'; 1001]).await;
        assert_eq!((large.status.as_u16(), large.problem()), (413, "body-too-large"));
        let fits = send(&house, &path, "notitie.txt", &[b'a'; 1000]).await;
        assert_eq!(fits.status, 201, "{}", fits.body);
        let nobody = send(&house, "/chats/00000000-0000-7000-8000-000000000000/files", "a.txt", b"a").await;
        assert_eq!((nobody.status.as_u16(), nobody.problem()), (404, "unknown-chat"));
        let foreign = say_file(&house, &id, "public", &json!("00000000-0000-7000-8000-000000000000")).await;
        assert_eq!((foreign.status.as_u16(), foreign.problem()), (400, "invalid-request"));
    });
}

#[test]
fn w08_w09_a_private_file_is_no_visitors() {
    in_house(async |house| {
        let id = house.chats_with_jansen("balie").await;
        let kept = send(&house, &format!("/chats/{id}/files"), "intern.txt", b"Alleen voor ons.").await;
        assert_eq!(say_file(&house, &id, "agents", &kept.body["id"]).await.status, 200);
        let file = kept.body["id"].as_str().unwrap();
        let path = format!("/visits/{id}/files/{file}");
        assert_eq!(fetch(&house, &path).await.0, 404);
        // He cannot make it his by saying it.
        let say = format!("/visits/{id}/messages/{}", uuid::Uuid::now_v7());
        let stolen = house.send("PUT", &say, Some(json!({ "text": "x", "files": [file] }))).await;
        assert_eq!((stolen.status.as_u16(), stolen.problem()), (400, "invalid-request"));
        assert_eq!(fetch(&house, &path).await.0, 404);
        assert_eq!(fetch(&house, &format!("/chats/{id}/files/{file}")).await.0, 200);
        let bearer = format!("Bearer {}", house.new_token(&[Scope::ChatsRead], None).await);
        let without =
            house.ask("GET", &format!("/chats/{id}/files/{file}"), None, &[("authorization", &bearer)]).await;
        assert_eq!((without.status.as_u16(), without.problem()), (403, "forbidden"), "it is personal");
    });
}

#[test]
fn w09_visitors_send_files_where_their_queue_takes_them() {
    in_house(async |house| {
        let id = house.chats_with_jansen("balie").await;
        let kept = send(&house, &format!("/visits/{id}/files"), "foto.png", PNG).await;
        assert_eq!(kept.status, 201, "{}", kept.body);
        let say = format!("/visits/{id}/messages/{}", uuid::Uuid::now_v7());
        let said = house.send("PUT", &say, Some(json!({ "text": "", "files": [kept.body["id"]] }))).await;
        assert_eq!(said.status, 200, "{}", said.body);
        let words = house.get(&format!("/chats/{id}/messages")).await.body.to_string();
        assert!(words.contains("foto.png"), "{words}");
        let other = house.visits("publiekszaken").await;
        let refused = send(&house, &format!("/visits/{other}/files"), "foto.png", PNG).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (422, "invalid-content"));
        assert_eq!(house.post(&format!("/visits/{id}/end"), None).await.status, 200);
        let late = send(&house, &format!("/visits/{id}/files"), "foto.png", PNG).await;
        assert_eq!((late.status.as_u16(), late.problem()), (409, "invalid-chat-state"));
    });
}
