//! A day at the telephone: simulator, daemon, and agents who follow a script, each a process of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use reqwest::Method;
use schakel::client::{AccessArgs, Api, EventStream, StreamItem, Visitor};
use schakel_simulator::RunningSimulator;
use schakel_simulator::config::SimulatorConfig;
use schakel_simulator::duration::Span;
use schakel_simulator::switch::{
    AgentState, ExtensionConfig, Number, OutsideConfig, QueueConfig, RoutingPointConfig, SwitchConfig,
};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const CUSTOMER: &str = "0201234567";
const OUTSIDE: &str = "0612345678";

/// Calls to it are routed by JKC, else they go to the queue.
const POINT: &str = "7100";

/// After-call work of its calls lasts until somebody says ready.
const QUEUE: &str = "7000";

const LIMIT: Duration = Duration::from_secs(60);

/// Simulator and daemon in a folder of their own.
struct House {
    folder: tempfile::TempDir,
    simulator: RunningSimulator,
    url: String,
    token: String,
    daemon: Child,
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let simulator = schakel_simulator::start(SimulatorConfig {
            switch: SwitchConfig {
                extensions: ["2001", "2002"].map(ExtensionConfig::new).into(),
                outside: vec![OutsideConfig {
                    number: Number::from(OUTSIDE),
                    name: None,
                    answers_after: Some(Span(Duration::from_millis(50))),
                    busy: false,
                }],
                queues: vec![QueueConfig {
                    agents_only: true,
                    wrap_up: None,
                    ..QueueConfig::new(QUEUE, [] as [&str; 0])
                }],
                routing_points: vec![RoutingPointConfig::new(POINT, QUEUE)],
                ..SwitchConfig::default()
            },
            ..SimulatorConfig::default()
        })
        .await
        .unwrap();
        let csta = simulator.csta_address().unwrap();
        let held = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let [api, admin] = held.each_ref().map(|listener| listener.local_addr().unwrap());
        drop(held);
        let journal = folder.path().join("schakel.db");
        let config = format!(
            "[journal]\npath = {journal:?}\n[api]\nlisten = \"{api}\"\n[admin]\nlisten = \"{admin}\"\n\
             [webhooks]\nallowed_hosts = [\"127.0.0.1\"]\nallow_insecure = true\n\
             [[providers]]\nname = \"pbx\"\nadapter = \"csta\"\naddress = \"{csta}\"\n\
             [[providers.devices]]\nnumbers = [\"2001-2002\"]\n\
             [[providers.devices]]\nnumbers = [\"{QUEUE}\"]\nkind = \"queue\"\n\
             [[providers.routes]]\ndevice = \"{POINT}\"\nfallback = \"2002\"\n\
             [sessions]\nlease_seconds = 1\ngrace_seconds = 1\n\
             [[chat.queues]]\nname = \"burgerzaken\"\n[[chat.canned]]\nname = \"moment\"\n\
             language = \"nl\"\ntitle = \"Moment\"\ntext = \"Een ogenblik.\"\n"
        );
        std::fs::write(folder.path().join("schakel.toml"), config).unwrap();
        let config = folder.path().join("schakel.toml");
        let made = schakel()
            .args(["token", "create", "--name", "test", "--scope", "admin", "--config"])
            .arg(&config)
            .output()
            .await
            .unwrap();
        let printed = String::from_utf8(made.stdout).unwrap();
        assert!(made.status.success(), "{printed}{}", String::from_utf8_lossy(&made.stderr));
        let token = printed.split_whitespace().last().unwrap().to_owned();
        let daemon = serve(folder.path());
        let url = format!("http://{api}");
        tokio::time::timeout(LIMIT, until_linked(&url, &token))
            .await
            .expect("the daemon is linked to the PBX in time");
        Self { folder, simulator, url, token, daemon }
    }

    /// The daemon is killed without warning, and starts again.
    async fn kill_and_start(&mut self) {
        self.daemon.kill().await.unwrap();
        self.daemon = serve(self.folder.path());
    }

    /// An agent who follows a script; gives his process once he sits at his telephone.
    async fn agent(&self, name: &str, device: &str, script: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
        self.agent_with(name, device, &[], script).await
    }

    /// The same with more arguments.
    async fn agent_with(
        &self,
        name: &str,
        device: &str,
        arguments: &[&str],
        script: &str,
    ) -> (Child, Lines<BufReader<ChildStdout>>) {
        let file = self.folder.path().join(format!("{name}.script"));
        std::fs::write(&file, format!("say ready\n{script}")).unwrap();
        let child = schakel()
            .args(["softphone", "--url", &self.url, "--agent", name, "--device", device])
            .args(arguments)
            .arg("--script")
            .arg(&file)
            .env("SCHAKEL_TOKEN", &self.token)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        ready(child.unwrap(), "ready").await
    }

    /// Puts something where JKC puts it.
    async fn put(&self, path: &[&str], body: serde_json::Value) {
        let _: serde_json::Value = api(&self.url, &self.token).send(Method::PUT, path, &body).await.unwrap();
    }

    /// Waits until the PBX's agent at a telephone is this.
    async fn pbx_agent(&self, device: &str, state: AgentState) {
        let there = |now: &schakel_simulator::SimulatorState| {
            let mut all = now.switch.extensions.iter();
            let here = all.find(|each| each.number.as_str() == device)?;
            here.agent.as_ref().map(|agent| agent.state)
        };
        let so = self.simulator.until(|now| there(now) == Some(state));
        let so = tokio::time::timeout(LIMIT, so).await;
        so.unwrap_or_else(|_| panic!("{device} is {:?}", there(&self.simulator.state())));
    }
}

/// The daemon of a folder.
fn serve(folder: &Path) -> Child {
    let config = folder.join("schakel.toml");
    schakel().arg("serve").arg("--config").arg(config).stdout(Stdio::null()).spawn().unwrap()
}

/// The API at an address.
fn api(url: &str, token: &str) -> Api {
    schakel::tls::install();
    let access = AccessArgs { token: Some(token.to_owned()), ..AccessArgs::default() };
    Api::new(url, &access).unwrap()
}

/// Waits until the daemon is there and linked: the stream connects again by itself until it is.
async fn until_linked(url: &str, token: &str) {
    let mut stream = EventStream::after(api(url, token), format!("{:020}", 0));
    loop {
        match stream.next().await.unwrap() {
            StreamItem::Event(event) if event.data.change == "provider.up" => return,
            _ => {}
        }
    }
}

/// Waits until a process prints a line that begins so.
async fn ready(mut child: Child, word: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    says((child, lines), word).await
}

/// The same of one that runs.
async fn says(
    (child, mut lines): (Child, Lines<BufReader<ChildStdout>>),
    word: &str,
) -> (Child, Lines<BufReader<ChildStdout>>) {
    loop {
        match tokio::time::timeout(LIMIT, lines.next_line()).await.expect("it says so in time").unwrap() {
            Some(line) if line.starts_with(word) => return (child, lines),
            Some(_) => {}
            None => panic!("it ended before it said {word}: {:?}", child.wait_with_output().await),
        }
    }
}

fn schakel() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schakel"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Waits for the end of a process; gives its exit code, and everything that it wrote.
async fn end((child, mut lines): (Child, Lines<BufReader<ChildStdout>>)) -> (Option<i32>, String) {
    let ended = tokio::time::timeout(LIMIT, async {
        let mut told = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            told.push_str(&line);
            told.push('\n');
        }
        let output = child.wait_with_output().await.unwrap();
        (output.status.code(), told + &String::from_utf8_lossy(&output.stderr))
    });
    ended.await.expect("it ends in time")
}

#[tokio::test]
async fn p04_two_agents_follow_their_scripts_through_a_warm_transfer_and_a_call_out() {
    let house = House::open().await;
    let bram = "wait ringing 30s\nexpect caller 0201234567\nopnemen\nwait connected\nwait idle 30s\n";
    let anna = "\
        wait ringing 30s\nexpect caller 0201234567\nexpect action answer allowed\nexpect action hold refused\n\
        expect refused hold\nexpect refused terug\n\
        answer\nexpect state connected\nexpect calls 1\n\
        wacht\nexpect state held\nexpect action retrieve allowed\nterug\nexpect state connected\n\
        doorverbinden warm 2002\nwait transfer consulting 30s\nexpect refused transfer cold 2002\n\
        afronden\nexpect transfer completed\nwait idle\nexpect refused ophangen\n\
        bel 0612345678\nwait connected 30s\ndtmf 1#\nophangen\nwait idle\n";
    let bram = house.agent("bram", "2002", bram).await;
    let anna = house.agent("anna", "2001", anna).await;
    house.simulator.ring(CUSTOMER, "2001").unwrap();
    let (code, told) = end(anna).await;
    assert_eq!(code, Some(0), "Anna:\n{told}");
    house.simulator.hang_up(CUSTOMER).unwrap();
    let (code, told) = end(bram).await;
    assert_eq!(code, Some(0), "Bram:\n{told}");
    assert!(house.simulator.state().switch.calls.is_empty());
}

#[tokio::test]
async fn p04_a_script_that_expects_what_is_not_so_fails_with_its_line() {
    let house = House::open().await;
    let anna = house.agent("anna", "2001", "expect state idle\nexpect state connected\n").await;
    let (code, told) = end(anna).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("✓ expect state idle") && told.contains(":3: `expect state connected`"), "{told}");
}

#[tokio::test]
async fn t03_the_stand_in_for_jkc_subscribes_and_sees_a_missed_call() {
    let house = House::open().await;
    let jkc = schakel()
        .args(["jkc", "--listen", "127.0.0.1:0", "--language", "en", "--subscribe", &house.url])
        .args(["--expect", "call.ringing,call.missed", "--timeout", "30"])
        .env("SCHAKEL_TOKEN", &house.token)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let jkc = ready(jkc.unwrap(), "subscribed").await;
    house.simulator.ring(CUSTOMER, "2001").unwrap();
    let ringing = house.simulator.until(|state| !state.switch.calls.is_empty());
    tokio::time::timeout(LIMIT, ringing).await.unwrap();
    house.simulator.hang_up(CUSTOMER).unwrap();
    let (code, told) = end(jkc).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("┌─ Incoming call") && told.contains(CUSTOMER), "{told}");
    assert!(told.contains("0 refused, 0 breaches of order"), "{told}");
}

#[tokio::test]
async fn t11_t16_work_is_kept_and_after_call_work_lasts_as_long_as_its_session() {
    let house = House::open().await;
    let numbers = serde_json::json!([{"number": "020-1234567"}]);
    let customer = serde_json::json!({"kind": "person", "name": "J. de Vries", "numbers": numbers});
    house.put(&["recognition", "customers", "K-1"], customer).await;
    let anna = "\
        gereed\nwait availability available\nsay seated\n\
        wait ringing 30s\nexpect customer J. de Vries\nanswer\nwait session open\n\
        expect availability on-call\nophangen\nwait availability after-call\nexpect session open\nsay after-call\n\
        wait decision 30s\nexpect session open\nbewaren\nexpect session parked\nexpect refused negeren\n\
        opnemen\nwait connected\nwait session open\nophangen\nwait availability after-call\n\
        sluiten\nwait session closed\nwait availability available\nexpect refused sluiten\n\
        hervatten\nwait session open\nwait availability in-session\nsay resumed\n\
        browser gone\nwait session parked 30s\nwait availability not-ready\nsay vanished\n\
        browser back\nready\nresume\nclose\nwait availability available\n";
    let arguments = ["--sessions", "--queues", QUEUE, "--agent-id", "4001"];
    let anna = house.agent_with("anna", "2001", &arguments, anna).await;
    let anna = says(anna, "seated").await;
    house.pbx_agent("2001", AgentState::Ready).await;
    house.simulator.ring(CUSTOMER, QUEUE).unwrap();
    let anna = says(anna, "after-call").await;
    house.pbx_agent("2001", AgentState::WorkingAfterCall).await;
    house.simulator.ring(OUTSIDE, "2001").unwrap();
    let anna = says(anna, "resumed").await;
    house.pbx_agent("2001", AgentState::Ready).await;
    let anna = says(anna, "vanished").await;
    house.pbx_agent("2001", AgentState::NotReady).await;
    let (code, told) = end(anna).await;
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test]
async fn t07_t11_a_transfer_leaves_work_with_the_one_and_gives_a_session_to_the_other() {
    let house = House::open().await;
    let bram = "wait ringing 30s\nopnemen\nwait connected\nexpect session none\n\
        wait session open 30s\nexpect caller 0201234567\nsay mine\nwait idle 30s\nwait availability after-call\n\
        sluiten\nwait availability available\n";
    let anna = "wait ringing 30s\nanswer\nwait session open\ndoorverbinden warm 2002\n\
        wait transfer consulting 30s\nexpect session open\nafronden\nwait availability after-call\n\
        close\nwait availability available\n";
    let bram = house.agent_with("bram", "2002", &["--sessions"], bram).await;
    let anna = house.agent_with("anna", "2001", &["--sessions"], anna).await;
    house.simulator.ring(CUSTOMER, "2001").unwrap();
    let (code, told) = end(anna).await;
    assert_eq!(code, Some(0), "Anna:\n{told}");
    let bram = says(bram, "mine").await;
    house.simulator.hang_up(CUSTOMER).unwrap();
    let (code, told) = end(bram).await;
    assert_eq!(code, Some(0), "Bram:\n{told}");
}

#[tokio::test]
async fn t02_t12_t13_a_break_has_its_reason_and_who_is_found_or_known_is_called() {
    let house = House::open().await;
    let entry =
        |name: &str, number: &str| serde_json::json!({"kind": "person", "name": name, "number": number});
    house.put(&["directory", "entries", "m-1"], entry("Jan van der Berg", OUTSIDE)).await;
    house.put(&["directory", "entries", "m-2"], entry("Anna Jansen", "2001")).await;
    let numbers = serde_json::json!([{"number": OUTSIDE}]);
    let customer = serde_json::json!({"kind": "person", "name": "J. de Vries", "numbers": numbers});
    house.put(&["recognition", "customers", "K-1"], customer).await;
    let bram = "\
        niet-gereed lunch\nwait availability not-ready\nready\nwait availability available\n\
        zoek berg jan\nexpect hits 1\nexpect refused bel 2)\nbel 1)\nwait connected 30s\n\
        ophangen\nwait idle\nbel klant:K-1\nwait connected 30s\n\
        zoek jansen\nexpect hits 1\ntransfer warm 1)\nwait transfer ringing 30s\n\
        terugpakken\nwait transfer taken-back\nwait connected\nophangen\nwait idle\n\
        session K-7\nwait session open\npark\nwait session parked\n";
    let (code, told) = end(house.agent("bram", "2002", bram).await).await;
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test]
async fn t01_the_stand_in_for_jkc_answers_where_a_call_goes_and_a_slow_or_wrong_one_has_a_fallback() {
    let house = House::open().await;
    // A JKC that answers at once; one that thinks for longer than the daemon waits; one that says nothing; one that
    // names a number that nobody has: the PBX sends the call where it would have gone by itself.
    for (rule, then, shown) in [
        (&["--route", "2001"][..], "route.decided,call.ringing", "rings @ 2001"),
        (&["--route", "2001", "--route-after", "3000"], "route.fell-back,call.ringing", "rings @ 2002"),
        (&[], "route.fell-back,call.ringing", "rings @ 2002"),
        (&["--route", "9999"], "route.decided,call.queued", "queued @ 7000"),
    ] {
        let expected = format!("route.requested,{then}");
        let jkc = schakel()
            .args(["jkc", "--listen", "127.0.0.1:0", "--language", "en", "--subscribe", &house.url])
            .args(["--expect", &expected, "--timeout", "30"])
            .args(rule)
            .env("SCHAKEL_TOKEN", &house.token)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let jkc = ready(jkc.unwrap(), "subscribed").await;
        house.simulator.ring(CUSTOMER, POINT).unwrap();
        let (code, told) = end(jkc).await;
        assert_eq!(code, Some(0), "{rule:?}:\n{told}");
        assert!(told.contains(shown), "{rule:?}:\n{told}");
        house.simulator.hang_up(CUSTOMER).unwrap();
    }
}

#[tokio::test]
async fn t11_an_open_session_survives_the_daemon_as_long_as_the_browser_is_there() {
    let mut house = House::open().await;
    let anna = "\
        session K-1\nwait session open\nsay open\n\
        wait ringing 60s\nexpect session open\nwait decision\nbrowser weg\nwait session parked 30s\n";
    let anna = says(house.agent("anna", "2001", anna).await, "open").await;
    let bram = "session\nwait session open\nbrowser gone\nsay gone\nwait session parked 60s\n";
    let bram = says(house.agent("bram", "2002", bram).await, "gone").await;
    house.kill_and_start().await;
    // All leases begin anew with the daemon, so without heartbeats Anna's session would be parked with Bram's.
    let (code, told) = end(bram).await;
    assert_eq!(code, Some(0), "Bram:\n{told}");
    house.simulator.ring(CUSTOMER, "2001").unwrap();
    let (code, told) = end(anna).await;
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test]
async fn p04_c01_o11_o20_w05_w07_w08_agents_chat_by_their_scripts_also_when_the_daemon_was_killed() {
    let mut house = House::open().await;
    let jkc = schakel()
        .args(["jkc", "--listen", "127.0.0.1:0", "--language", "nl", "--subscribe", &house.url])
        .args(["--expect", "chat.offered,chat.active,chat.invited,chat.transferred,chat.ended,chat.archived"])
        .args(["--timeout", "60"])
        .env("SCHAKEL_TOKEN", &house.token)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let jkc = ready(jkc.unwrap(), "aangemeld").await;
    let anna = "\
        expect chats 0\nexpect refused aannemen\nchat aan burgerzaken\nsay in\n\
        wait offer 30s\naannemen\nwait chat active\nwait availability chatting\nexpect chats 1\n\
        zeg Goedemiddag, met Anna.\nstandaard moment\nexpect refused standaard niets\nsay talking\n\
        wait typing ik typ 30s\nwait said het gaat om mijn paspoort 30s\nexpect unread 1\nchat 1\nexpect unread 0\n\
        expect refused verlaten\nuitnodigen @bram\nexpect refused uitnodigen @bram\n\
        wait whispered Let op 30s\nveld onderwerp Paspoort\nsay whispered\n\
        wait said na de val 60s\nverlaten\nexpect chats 0\nchat uit\n";
    let bram = "\
        chat on burgerzaken\nsay in\nwait offer 60s\naccept\nwhisper Let op: dit ligt bij de balie.\nsay joined\n\
        wait said ben er weer 90s\ntell Hier Bram.\nexpect refused leave\n\
        end\nwait chat wrapping\nfield category Reisdocument\narchive 1\nwait chat archived\n";
    let anna = says(house.agent("anna", "2001", anna).await, "in").await;
    let api = api(&house.url, &house.token);
    let (kim, _) = Visitor::open(api.clone(), "burgerzaken", "Kim", "nl").await.unwrap();
    kim.say("Ik heb een vraag.").await.unwrap();
    let anna = says(anna, "talking").await;
    let bram = says(house.agent("bram", "2002", bram).await, "in").await;
    let types = async {
        // It is kept nowhere: it is typed until Anna's screen has seen it.
        let mut again = tokio::time::interval(Duration::from_millis(100));
        loop {
            again.tick().await;
            kim.types(Some("ik typ dit")).await.unwrap();
        }
    };
    let (anna, ()) = tokio::select! {
        anna = says(anna, "✓ wait typing") => (anna, ()),
        () = types => unreachable!("it types for ever"),
    };
    kim.say("Nu: het gaat om mijn paspoort.").await.unwrap();
    let anna = says(anna, "whispered").await;
    let bram = says(bram, "joined").await;
    house.kill_and_start().await;
    tokio::time::timeout(LIMIT, async { while kim.say("Dit is na de val.").await.is_err() {} })
        .await
        .unwrap();
    let (code, told) = end(anna).await;
    assert_eq!(code, Some(0), "Anna:\n{told}");
    kim.say("Ik ben er weer.").await.unwrap();
    let (code, told) = end(bram).await;
    assert_eq!(code, Some(0), "Bram:\n{told}");
    let seen = kim.everything().await.unwrap();
    assert!(
        seen.contains("Hier Bram.") && seen.contains("Een ogenblik.") && !seen.contains("Let op"),
        "{seen}"
    );
    let (code, told) = end(jkc).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("[privé] bram: \"Let op: dit ligt bij de balie.\""), "{told}");
    assert!(told.contains("┌─ Chat ─") && told.contains("┌─ Uitnodiging voor een chat"), "{told}");
}

#[tokio::test]
async fn p04_c01_o11_w08_a_person_has_several_chats_side_by_side_on_his_screen() {
    let house = House::open().await;
    let child = schakel()
        .args(["softphone", "--url", &house.url, "--agent", "anna", "--device", "2001"])
        .env("SCHAKEL_TOKEN", &house.token)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    let (mut keys, mut lines) = (child.stdin.take().unwrap(), shown(&mut child));
    until(&mut lines, "anna op toestel 2001").await;
    types(&mut keys, "aannemen").await;
    until(&mut lines, "✗ er wordt geen chat aangeboden").await;
    types(&mut keys, "chat aan burgerzaken").await;
    until(&mut lines, "chatkanaal").await;
    let api = api(&house.url, &house.token);
    let visitor = async |name: &str| {
        let (visitor, _) = Visitor::open(api.clone(), "burgerzaken", name, "nl").await.unwrap();
        visitor.say(&format!("{name} vraagt iets.")).await.unwrap();
        visitor
    };
    let kim = visitor("Kim").await;
    until(&mut lines, "┌─ Chat 1 ─").await;
    types(&mut keys, "aannemen").await;
    until(&mut lines, "1) Kim · in gesprek").await;
    let sees = until(&mut lines, "1) Kim typt: ik wil graag …");
    let kim_types = async {
        // It is kept nowhere: it is typed until the screen has it.
        let mut again = tokio::time::interval(Duration::from_millis(100));
        loop {
            again.tick().await;
            kim.types(Some("ik wil graag")).await.unwrap();
        }
    };
    tokio::select! {
        _ = sees => {}
        () = kim_types => unreachable!("he types for ever"),
    }
    let sam = visitor("Sam").await;
    until(&mut lines, "┌─ Chat 2 ─").await;
    types(&mut keys, "aannemen 2").await;
    until(&mut lines, "2) Sam · in gesprek").await;
    kim.say("Bent u er nog?").await.unwrap();
    let line = until(&mut lines, "bezoeker: \"Bent u er nog?\"").await;
    assert!(line.contains("• 1) (") && line.contains("Kim"), "it is marked as unread: {line}");
    types(&mut keys, "chats").await;
    let line = until(&mut lines, "1) Kim · burgerzaken").await;
    assert!(line.contains("ongelezen"), "{line}");
    let line = until(&mut lines, "2) Sam · burgerzaken").await;
    assert!(line.starts_with("→ 2)") && !line.contains("ongelezen"), "{line}");
    types(&mut keys, "fluister dit blijft onder ons").await;
    until(&mut lines, "• 2) Sam · bericht [privé] anna: \"dit blijft onder ons\"").await;
    types(&mut keys, "chat 1").await;
    until(&mut lines, "bezoeker: \"Kim vraagt iets.\"").await;
    types(&mut keys, "zeg Ja hoor.").await;
    until(&mut lines, "1) Kim · bericht anna: \"Ja hoor.\"").await;
    types(&mut keys, "verlaten").await;
    until(&mut lines, "✗ ").await;
    for visitor in [&kim, &sam] {
        assert!(!visitor.everything().await.unwrap().contains("onder ons"));
    }
    types(&mut keys, "stop").await;
    let ended = tokio::time::timeout(LIMIT, child.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
}

fn shown(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

async fn types(keys: &mut tokio::process::ChildStdin, line: &str) {
    keys.write_all(format!("{line}\n").as_bytes()).await.unwrap();
}

/// Reads the screen up to a line with this.
async fn until(lines: &mut Lines<BufReader<ChildStdout>>, text: &str) -> String {
    let mut seen = Vec::new();
    loop {
        let line = tokio::time::timeout(LIMIT, lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{text:?} is shown in time; seen were {seen:#?}")).unwrap();
        let line = line.unwrap_or_else(|| panic!("it ended before {text:?}; seen were {seen:#?}"));
        if line.contains(text) {
            return line;
        }
        seen.push(line);
    }
}
