//! The standard's structure as a tree, and documents made from it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schakel_csta_wire::*;

/// An element and what it may contain.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub name: String,
    pub ty: String,
    pub repeats: bool,
    pub choice: bool,
    pub children: Vec<Node>,
}

/// Words of the enumerations, by type.
pub type Words = BTreeMap<String, Vec<String>>;

/// One edition: its messages and enumerations.
#[derive(Debug, Default)]
pub struct Structure {
    pub messages: Vec<Node>,
    pub words: Words,
}

pub const EDITIONS: [(Edition, &str); 2] = [(Edition::Ed3, "ed3"), (Edition::Ed6, "ed6")];

/// Every root that is spoken and that the structure files know. `SnapshotCallData`
/// is left out: they have a type of that name instead of the message.
pub fn roots() -> Vec<&'static str> {
    let mut roots: Vec<&str> = CallEventKind::ALL.iter().map(|k| k.root()).collect();
    roots.extend(AgentEventKind::ALL.iter().map(|k| k.root()));
    roots.extend(FeatureEvent::ROOTS);
    roots.extend(Request::ROOTS.iter().filter(|r| **r != "SnapshotCallData"));
    roots.extend(Response::ROOTS);
    roots.extend(EmptyResponse::ALL.iter().map(|r| r.root()));
    roots.extend(CallService::ALL.iter().map(|r| r.root()));
    roots.push("CSTAErrorCode");
    roots
}

pub fn fixture_path(edition: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../protocol-fixtures/csta/structure")
        .join(format!("{edition}.txt"))
}

/// Reads the committed extract: `root:type{child:type … }`, `(a:T|b:T)` for a choice, `*` for a
/// child that repeats, and `= Type word …` for an enumeration.
pub fn fixture(edition: &str) -> Structure {
    let text = std::fs::read_to_string(fixture_path(edition)).expect("the committed structure extract");
    let mut structure = Structure::default();
    for line in text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        if let Some(words) = line.strip_prefix("= ") {
            let mut words = words.split(' ').map(str::to_owned);
            structure.words.insert(words.next().unwrap(), words.collect());
        } else {
            let mut rest = line;
            structure.messages.push(parse_node(&mut rest));
        }
    }
    structure
}

fn parse_node(rest: &mut &str) -> Node {
    let end = rest.find([' ', '{', '}', '(', ')', '|']).unwrap_or(rest.len());
    let (head, tail) = rest.split_at(end);
    *rest = tail;
    let (name, ty) = head.split_once(':').unwrap();
    let mut node = Node {
        name: name.trim_end_matches('*').to_owned(),
        ty: ty.to_owned(),
        repeats: name.ends_with('*'),
        choice: rest.starts_with('('),
        children: Vec::new(),
    };
    if rest.starts_with(['{', '(']) {
        while !rest.starts_with(['}', ')']) {
            *rest = &rest[1..];
            node.children.push(parse_node(rest));
        }
        *rest = &rest[1..];
    }
    node
}

pub fn print_node(node: &Node) -> String {
    let star = if node.repeats { "*" } else { "" };
    let mut out = format!("{}{star}:{}", node.name, node.ty);
    if !node.children.is_empty() {
        let (open, between, close) = if node.choice { ('(', "|", ')') } else { ('{', " ", '}') };
        out.push(open);
        out.push_str(&node.children.iter().map(print_node).collect::<Vec<_>>().join(between));
        out.push(close);
    }
    out
}

/// The structure files of the standard, where they are present.
pub fn published(edition: &str) -> Option<Structure> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../../../../shared/csta/structure-{edition}.tsv"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    let mut lines = BTreeMap::new();
    for (name, content) in text.lines().filter_map(|l| l.split_once('\t')) {
        lines.entry(name.to_owned()).or_insert(content.to_owned());
    }
    let mut structure = Structure::default();
    for root in roots() {
        assert!(lines.contains_key(root), "{root} is not in {edition}");
        structure.messages.push(published_node(root, root, false, &lines, 0));
    }
    for (name, content) in &lines {
        if content.contains(" / ") && !content.starts_with("TEXT") {
            structure.words.insert(name.clone(), content.split(" / ").map(|w| w.trim().to_owned()).collect());
        }
    }
    Some(structure)
}

fn published_node(
    name: &str,
    ty: &str,
    repeats: bool,
    lines: &BTreeMap<String, String>,
    depth: usize,
) -> Node {
    let mut node =
        Node { name: name.to_owned(), ty: ty.to_owned(), repeats, choice: false, children: Vec::new() };
    let content = lines.get(ty).map(String::as_str).unwrap_or_default();
    if depth > 8
        || content.is_empty()
        || content.contains(" / ")
        || content.starts_with("TEXT")
        || content == "ANY"
    {
        return node;
    }
    // `(callID | deviceID)*` is any order of both; we always write callID first.
    let any_order = content.starts_with('(') && content.ends_with(")*");
    node.choice = content.starts_with('(') && !any_order;
    for child in content.trim_start_matches('(').trim_end_matches([')', '*']).split([',', '|']) {
        let child = child.trim();
        if let Some((name, ty)) = child.split_once(':') {
            let repeats = name.ends_with('*');
            node.children.push(published_node(name.trim_end_matches('*'), ty, repeats, lines, depth + 1));
        }
    }
    node
}

/// How a document is made from a structure.
pub trait Maker {
    /// Which alternative of a choice.
    fn alternative(&mut self, count: usize) -> usize;
    /// Whether an optional child is there.
    fn present(&mut self) -> bool;
    /// The text of a leaf.
    fn text(&mut self, ty: &str, words: &Words) -> String;
    /// The order of the children.
    fn order(&mut self, children: &mut Vec<String>);
}

/// The document of a message, without prolog and namespace.
pub fn document(node: &Node, words: &Words, maker: &mut dyn Maker) -> String {
    if node.children.is_empty() {
        let text = if is_leaf(&node.ty, words) { maker.text(&node.ty, words) } else { String::new() };
        return if text.is_empty() {
            format!("<{}/>", node.name)
        } else {
            format!("<{0}>{text}</{0}>", node.name)
        };
    }
    let mut children = Vec::new();
    if node.choice {
        let chosen = maker.alternative(node.children.len());
        children.push(document(&node.children[chosen], words, maker));
    } else {
        for child in &node.children {
            for _ in 0..if child.repeats { 2 } else { 1 } {
                if maker.present() {
                    children.push(document(child, words, maker));
                }
            }
        }
        maker.order(&mut children);
    }
    if children.is_empty() {
        format!("<{}/>", node.name)
    } else {
        format!("<{0}>{1}</{0}>", node.name, children.concat())
    }
}

fn is_leaf(ty: &str, words: &Words) -> bool {
    words.contains_key(ty)
        || matches!(
            ty,
            "string" | "hexBinary" | "boolean" | "long" | "short" | "integer" | "DeviceID" | "LocalDeviceID"
        )
}

/// Everything there, in order; the `k`th alternative of each choice.
pub struct Full {
    pub k: usize,
    pub count: usize,
}

impl Maker for Full {
    fn alternative(&mut self, count: usize) -> usize {
        self.k % count
    }
    fn present(&mut self) -> bool {
        true
    }
    fn text(&mut self, ty: &str, words: &Words) -> String {
        self.count += 1;
        match ty {
            "boolean" => "true".into(),
            "long" | "short" | "integer" => self.count.to_string(),
            "hexBinary" => "4A4B43".into(),
            _ => match words.get(ty) {
                Some(words) => words[self.count % words.len()].clone(),
                None => format!("N&lt;{}&gt;", self.count),
            },
        }
    }
    fn order(&mut self, _children: &mut Vec<String>) {}
}

/// With the prolog and namespace that the encoder writes.
pub fn dressed(edition: Edition, root: &str, document: &str) -> String {
    let namespace = edition.namespace().unwrap();
    let rest = document.strip_prefix(&format!("<{root}")).unwrap();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><{root} xmlns=\"{namespace}\"{rest}")
}

/// What is left of `node` when only what the encoder wrote is kept.
pub fn prune(node: &Node, written: &BTreeSet<String>, path: &str) -> Option<Node> {
    let path = format!("{path}/{}", node.name);
    if !written.contains(&path) {
        return None;
    }
    let children = node.children.iter().filter_map(|child| prune(child, written, &path)).collect();
    Some(Node { children, ..node.clone() })
}

/// The paths of all elements in a document that the encoder wrote.
pub fn paths(document: &str) -> BTreeSet<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut found = BTreeSet::new();
    for tag in document.split('<').skip(1).filter(|t| !t.starts_with('?')) {
        let inner = tag.split('>').next().unwrap();
        if inner.starts_with('/') {
            open.pop();
            continue;
        }
        open.push(inner.trim_end_matches('/').split(' ').next().unwrap());
        found.insert(format!("/{}", open.join("/")));
        if inner.ends_with('/') {
            open.pop();
        }
    }
    found
}
