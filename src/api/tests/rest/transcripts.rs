//! Transcripts: two, as JSON and as a page; a page runs nothing, whatever was said.

use crate::house::{House, in_house};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use schakel_contract::views::Scope;
use serde_json::json;

const EVIL: &str = "</p><script>alert('1')</script><img src=x onerror=\"alert(2)\">";

async fn page(house: &House, token: &str, path: &str) -> (u16, http::HeaderMap, String) {
    let request = Request::get(format!("/v1{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("accept", "text/html");
    let router = house.router.clone();
    let response = tower::ServiceExt::oneshot(router, request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn w08_c06_there_are_two_transcripts_and_the_public_one_has_no_trace_of_private_words() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        house.visitor_says(&id, EVIL).await;
        house.agent_says(&id, "jansen", "agents", "Intern: let op.").await;
        house.agent_says(&id, "jansen", "public", "Dat kan.").await;
        let fields = json!({ "remarks": "Was boos." });
        assert_eq!(house.send("PUT", &format!("/chats/{id}/fields"), Some(fields)).await.status, 200);
        let path = format!("/chats/{id}/transcript");
        let public = house.get(&path).await;
        assert_eq!(public.status, 200, "{}", public.body);
        let internal = house.get(&format!("{path}?audience=internal")).await;
        assert_eq!(internal.status, 200, "{}", internal.body);
        let (_, _, public_page) = page(&house, &house.token, &path).await;
        let (_, _, internal_page) = page(&house, &house.token, &format!("{path}?audience=internal")).await;
        for text in [public.body.to_string(), public_page.clone()] {
            assert!(text.contains("Dat kan.") && text.contains("Truus de Vries"), "{text}");
            for secret in ["Intern: let op.", "Was boos.", "class=\"private\"", "Alleen voor medewerkers<"] {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
        }
        for text in [internal.body.to_string(), internal_page.clone()] {
            assert!(text.contains("Intern: let op.") && text.contains("Was boos."), "{text}");
        }
        assert!(
            internal_page.contains("class=\"private\"") && internal_page.contains("Alleen voor medewerkers")
        );
        assert!(internal_page.contains("Intern verslag"));
    });
}

#[test]
fn w08_a_page_runs_nothing_and_fetches_nothing() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        house.visitor_says(&id, EVIL).await;
        house.agent_says(&id, "jansen", "agents", EVIL).await;
        for (path, heading) in [
            (format!("/chats/{id}/transcript"), "Verslag van het chatgesprek"),
            (
                format!("/chats/{id}/transcript?audience=internal&language=en"),
                "Internal transcript of the chat",
            ),
        ] {
            let (status, headers, html) = page(&house, &house.token, &path).await;
            assert_eq!(
                (status, headers["content-type"].to_str().unwrap()),
                (200, "text/html; charset=utf-8")
            );
            let policy = headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
            assert!(policy.contains("sandbox") && !policy.contains("unsafe"), "{policy}");
            assert!(html.contains(heading) && html.contains("@media print"), "{html}");
            assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"), "{html}");
            for tag in ["<script", "<img", "href=", "src=", "url(", "@import"] {
                let outside = html.replace("&lt;img src=x", "");
                assert!(!outside.contains(tag), "{tag}: {html}");
            }
        }
    });
}

#[test]
fn w08_a_page_is_for_who_may_see_persons_and_json_is_withheld() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let token = house.new_token(&[Scope::ChatsRead], None).await;
        let path = format!("/chats/{id}/transcript");
        assert_eq!(page(&house, &token, &path).await.0, 403);
        let bearer = format!("Bearer {token}");
        for audience in ["public", "internal"] {
            let path = format!("{path}?audience={audience}");
            let json = house.ask("GET", &path, None, &[("authorization", &bearer)]).await;
            assert_eq!(json.status, 200, "{}", json.body);
            let text = json.body.to_string();
            assert!(!text.contains("Ik heb een vraag.") && !text.contains("Truus"), "{text}");
            assert!(text.contains("\"withheld\":true"), "{text}");
        }
    });
}

#[test]
fn w08_a_visitor_who_calls_himself_as_an_agent_is_seen_to_be_the_visitor() {
    in_house(async |house| {
        house.chatting("jansen").await;
        let visitor = json!({ "nickname": "\u{202e}Jansen" });
        let body = json!({ "queue": "publiekszaken", "visitor": visitor });
        let reply = house.post("/visits", Some(body)).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        let id = reply.body["visit"]["id"].as_str().unwrap().to_owned();
        house.visitor_says(&id, "Ik ben van de gemeente.").await;
        let (_, _, html) = page(&house, &house.token, &format!("/chats/{id}/transcript")).await;
        let line = html.lines().find(|line| line.contains("class=\"visitor\"")).unwrap();
        assert!(line.contains("<strong><bdi>Jansen</bdi></strong>"), "{line}");
        assert!(line.contains("<span class=\"mark\">Bezoeker</span>"), "{line}");
    });
}
