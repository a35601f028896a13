//! A route: its path, who may, what it takes, what it gives, and the function that does it.
//!
//! Each is written down once, and both the router and the OpenAPI document are made from it: what the document says is
//! what is checked before the function is called.

use crate::ask::Ask;
use crate::problem::Failure;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::Method;
use schakel_contract::problem::ProblemKind;
use schakel_contract::views::Scope;
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// What a handler gives.
pub(crate) type Answer = Result<Response, Failure>;

type Handler = Arc<dyn Fn(Ask) -> BoxFuture<'static, Answer> + Send + Sync>;

/// Schemas by name, as utoipa collects them.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// A type of the contract, as a schema of the document.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub name: fn() -> String,
    pub collect: fn(&mut Schemas),
}

/// The shape of a type.
pub(crate) fn shape<T: ToSchema>() -> Shape {
    Shape {
        name: || T::name().into_owned(),
        collect: |schemas| {
            schemas.push((T::name().into_owned(), <T as PartialSchema>::schema()));
            T::schemas(schemas);
        },
    }
}

/// What a route gives when it succeeds.
#[derive(Clone)]
pub(crate) enum Gives {
    /// An object.
    One(Shape),
    /// A page of objects.
    Page(Shape),
    /// All objects of a small collection.
    All(Shape),
    /// Nothing (204).
    Nothing,
    /// Something that the document describes by hand.
    Other(Value),
}

/// A parameter of the query, or a header.
#[derive(Clone)]
pub(crate) struct Parameter {
    pub name: &'static str,
    /// `query` or `header`.
    pub place: &'static str,
    pub description: &'static str,
    pub required: bool,
    pub schema: Value,
}

/// One operation.
#[derive(Clone)]
pub(crate) struct Route {
    pub method: Method,
    pub path: &'static str,
    pub id: &'static str,
    pub summary: &'static str,
    pub scope: Option<Scope>,
    /// Who else may; the handler says what.
    pub or_scope: Option<Scope>,
    pub parameters: Vec<Parameter>,
    pub body: Option<Shape>,
    pub is_import: bool,
    /// Its body is one file of a chat, as it is.
    pub is_attachment: bool,
    pub is_report: bool,
    pub gives: Gives,
    /// What it gives beside, where that is described by hand.
    pub also: Vec<Shape>,
    /// Another media type that it gives the same in, and what that is like.
    pub text: Option<(&'static str, &'static str)>,
    pub created: bool,
    pub is_command: bool,
    /// A command whose answer is never 202.
    pub is_at_once: bool,
    pub has_version: bool,
    /// It is asked with POST and changes nothing.
    pub is_search: bool,
    /// The audit log has it although it shows no numbers and names.
    pub is_recorded: bool,
    /// The audit log has not got it although it changes something.
    pub is_unrecorded: bool,
    /// A visitor's program asks for what is the visitor's own: nothing of it is withheld from him.
    pub is_visitors: bool,
    pub failures: Vec<ProblemKind>,
    pub handler: Handler,
}

/// A new route. It needs `admin` until it says otherwise, so that a forgotten scope closes a door and opens none.
pub(crate) fn route<F, Fut>(
    method: Method,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    handler: F,
) -> Route
where
    F: Fn(Ask) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    Route {
        method,
        path,
        id,
        summary,
        scope: Some(Scope::Admin),
        or_scope: None,
        parameters: Vec::new(),
        body: None,
        is_import: false,
        is_attachment: false,
        is_report: false,
        gives: Gives::Nothing,
        also: Vec::new(),
        text: None,
        created: false,
        is_command: false,
        is_at_once: false,
        has_version: false,
        is_search: false,
        is_recorded: false,
        is_unrecorded: false,
        is_visitors: false,
        failures: Vec::new(),
        handler: Arc::new(move |ask| Box::pin(handler(ask))),
    }
}

impl Route {
    /// Who may.
    pub(crate) fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Who has this scope may too; the handler says what of it.
    pub(crate) fn or_scope(mut self, scope: Scope) -> Self {
        self.or_scope = Some(scope);
        self
    }

    /// Everybody may, without a token.
    pub(crate) fn open(mut self) -> Self {
        self.scope = None;
        self
    }

    /// It gives an object.
    pub(crate) fn gives<T: ToSchema>(mut self) -> Self {
        self.gives = Gives::One(shape::<T>());
        self
    }

    /// It gives all objects of a small collection.
    pub(crate) fn gives_all<T: ToSchema>(mut self) -> Self {
        self.gives = Gives::All(shape::<T>());
        self
    }

    /// It gives something that is described by hand.
    pub(crate) fn gives_other(mut self, content: Value) -> Self {
        self.gives = Gives::Other(content);
        self
    }

    /// What is described by hand speaks of this too.
    pub(crate) fn also_shows<T: ToSchema>(mut self) -> Self {
        self.also.push(shape::<T>());
        self
    }

    /// It gives a page of objects, by cursor.
    pub(crate) fn gives_page<T: ToSchema>(mut self) -> Self {
        self.gives = Gives::Page(shape::<T>());
        let after = json!({ "type": "string", "minLength": 1, "maxLength": 300 });
        self.query("after", "The `next` of the page before.", after).page_size()
    }

    /// It only looks: POST because what is looked for does not belong in a path.
    pub(crate) fn search(mut self) -> Self {
        self.is_search = true;
        self
    }

    /// The audit log has it although it shows no numbers and names.
    pub(crate) fn recorded(mut self) -> Self {
        self.is_recorded = true;
        self
    }

    /// The audit log has not got it: a sign of life, that says nothing of what somebody did.
    pub(crate) fn unrecorded(mut self) -> Self {
        self.is_unrecorded = true;
        self
    }

    /// It gives a page of rows by a cursor of its own.
    pub(crate) fn gives_rows<T: ToSchema>(mut self) -> Self {
        self.gives = Gives::Page(shape::<T>());
        self
    }

    /// It makes an object: 201.
    pub(crate) fn created(mut self) -> Self {
        self.created = true;
        self
    }

    /// Its pages have a size.
    pub(crate) fn page_size(self) -> Self {
        let size =
            json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": 1000, "default": 100 });
        self.query("pageSize", "How many items at most.", size)
    }

    /// It takes a body.
    pub(crate) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some(shape::<T>());
        self
    }

    /// Its body is a file of rows, which may be larger than another body and take longer.
    pub(crate) fn takes_file(mut self) -> Self {
        self.is_import = true;
        self
    }

    /// Its body is one file of a chat, as it is: larger than another body may be.
    pub(crate) fn takes_attachment(mut self) -> Self {
        self.is_attachment = true;
        let name = json!({ "type": "string", "maxLength": 1000,
            "examples": ["attachment; filename=\"brief.pdf\""] });
        self.header("Content-Disposition", "What the file is called (RFC 6266).", name)
            .fails(ProblemKind::InvalidContent)
    }

    /// A visitor's program asks for what is the visitor's own, and for nothing else.
    pub(crate) fn for_visitors(mut self) -> Self {
        self.is_visitors = true;
        self.scope(Scope::ChatsVisit)
    }

    /// It looks at much of the journal: it may take longer than another, and few go on at once.
    pub(crate) fn report(mut self) -> Self {
        self.is_report = true;
        self
    }

    /// It takes a parameter of the query.
    pub(crate) fn query(mut self, name: &'static str, description: &'static str, schema: Value) -> Self {
        self.parameters.push(Parameter { name, place: "query", description, required: false, schema });
        self
    }

    /// It takes a parameter of the query, and does not go without.
    pub(crate) fn query_required(
        mut self,
        name: &'static str,
        description: &'static str,
        schema: Value,
    ) -> Self {
        self.parameters.push(Parameter { name, place: "query", description, required: true, schema });
        self
    }

    /// It gives the same as text too, to who asks for this media type.
    pub(crate) fn or_text(mut self, media: &'static str, description: &'static str) -> Self {
        self.text = Some((media, description));
        self
    }

    /// It takes a header.
    pub(crate) fn header(mut self, name: &'static str, description: &'static str, schema: Value) -> Self {
        self.parameters.push(Parameter { name, place: "header", description, required: false, schema });
        self
    }

    /// It can fail in this way too.
    pub(crate) fn fails(mut self, kind: ProblemKind) -> Self {
        self.failures.push(kind);
        self
    }

    /// Its object has a version: `ETag` when read, `If-Match` when changed.
    pub(crate) fn versioned(mut self) -> Self {
        self.has_version = true;
        if self.method == Method::GET {
            return self;
        }
        let tag = json!({ "type": "string", "pattern": "^\"[0-9]{1,19}\"$", "examples": ["\"3\""] });
        self.header("If-Match", "The entity tag of the object that you saw; 412 when it has changed.", tag)
            .fails(ProblemKind::VersionMismatch)
    }

    /// It is a command: it waits for its outcome, takes an idempotency key, and fails as commands do.
    pub(crate) fn command(mut self) -> Self {
        self.is_command = true;
        let wait = json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": 30 });
        self.gives::<schakel_contract::reply::CommandReply<'static>>()
            .query("wait", "Seconds to wait for the outcome before the reply is 202.", wait)
            .idempotent()
    }

    /// It is a command that is answered with something of its own, at once or not at all: what was said, a visit.
    pub(crate) fn command_giving<T: ToSchema>(mut self) -> Self {
        self.is_command = true;
        self.is_at_once = true;
        self.gives::<T>()
    }

    /// It takes an idempotency key.
    pub(crate) fn idempotent(self) -> Self {
        let key = json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
        self.header(
            "Idempotency-Key",
            "The same key with the same request gives the reply of then, for 24 hours.",
            key,
        )
    }
}
