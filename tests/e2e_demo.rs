//! The README's first command, as a newcomer runs it.

#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::process::Command;

#[test]
fn t01_to_t16_c01_to_c12_o20_to_o22_w07_w08_the_demo_tells_its_story_and_all_of_it_is_true() {
    for language in ["nl", "en"] {
        let done = Command::new(env!("CARGO_BIN_EXE_schakel"))
            .args(["demo", "--quick", "--language", language])
            .output()
            .expect("the demo starts");
        let (told, said) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{}\n{told}\n{said}", done.status);
        for chapter in 1..=14 {
            assert!(told.contains(&format!("\n── {chapter}. ")), "chapter {chapter} is missing:\n{told}");
        }
        let ending = if language == "nl" { "┌─ Alles klopte" } else { "┌─ All of it was true" };
        assert!(told.contains(ending), "{told}");
    }
}
