//! The OpenAPI 3.1 document, made from the table of routes: what the policy says of a route is in its entry by itself.

use crate::{
    cookie, csrf,
    policy::{Auth, Policy},
    problem,
    route::{Route, RouteTable},
};
use axum::http::Method;
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{
        ComponentsBuilder, Content, HttpMethod, Info, KnownFormat, ObjectBuilder, OpenApi, OpenApiBuilder, PathItem,
        PathsBuilder, Ref, RefOr, Required, ResponseBuilder, Schema, SchemaFormat, Type,
        path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

/// The scheme of a person's token.
const PERSON: &str = "person";
/// The scheme of the operator's token.
const OPERATOR: &str = "operator";
/// The scheme of a session's cookie.
const SESSION: &str = "session";
/// The scheme of the form token that a session's changes must carry.
const FORM: &str = "form";
/// The name of the schema of every error.
const PROBLEM: &str = "Problem";

/// What a route says about itself in the document.
#[derive(Clone, Default)]
pub struct Doc {
    operation: Operation,
    body: RequestBody,
    schemas: Vec<(String, RefOr<Schema>)>,
    statuses: Vec<u16>,
}

impl Doc {
    /// An entry with a name that is unique in the document, and one sentence.
    #[must_use]
    pub fn new(id: &str, summary: &str) -> Self {
        let operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary)).build();
        Self { operation, ..Self::default() }
    }

    /// Groups the entry with others.
    #[must_use]
    pub fn tag(self, tag: &str) -> Self {
        self.change(|operation| operation.tag(tag))
    }

    /// The request's body, as JSON.
    #[must_use]
    pub fn takes<T: ToSchema>(self) -> Self {
        self.takes_as::<T>("application/json").problems(&[415, 422])
    }

    /// The request's body, in one of the media types that are named so.
    #[must_use]
    pub fn takes_as<T: ToSchema>(mut self, media_type: &str) -> Self {
        let schema = self.refer::<T>();
        let body = RequestBodyBuilder::from(self.body).content(media_type, Content::new(Some(schema)));
        self.body = body.required(Some(Required::True)).build();
        let body = self.body.clone();
        self.change(|operation| operation.request_body(Some(body)))
    }

    /// What an answer with this status holds, as JSON.
    #[must_use]
    pub fn gives<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        let schema = self.refer::<T>();
        let response =
            ResponseBuilder::new().description(about).content("application/json", Content::new(Some(schema)));
        self.change(|operation| operation.response(status.to_string(), response))
    }

    /// An answer with this status holds nothing.
    #[must_use]
    pub fn gives_nothing(self, about: &str) -> Self {
        self.change(|operation| operation.response("204", ResponseBuilder::new().description(about)))
    }

    /// A parameter in the path that is a UUID.
    #[must_use]
    pub fn id(self, name: &str, about: &str) -> Self {
        let schema =
            ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(about))
            .schema(Some(schema));
        self.change(|operation| operation.parameter(parameter)).problems(&[404])
    }

    /// Errors that the handler itself answers with. Those that follow from the policy need not be named.
    #[must_use]
    pub fn problems(mut self, statuses: &[u16]) -> Self {
        self.statuses.extend(statuses);
        self
    }

    /// A parameter in the path that is one of several words; another names nothing.
    #[must_use]
    pub fn word(self, name: &str, about: &str) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        self.change(|operation| operation.parameter(parameter)).problems(&[404])
    }

    /// A parameter in the address's query that may be left out.
    #[must_use]
    pub fn query(self, name: &str, about: &str) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        self.change(|operation| operation.parameter(parameter)).problems(&[422])
    }

    /// A header of the request that may be left out.
    #[must_use]
    pub fn header(self, name: &str, about: &str) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        self.change(|operation| operation.parameter(parameter))
    }

    /// What an answer with this status holds, as a file in one of the media types.
    #[must_use]
    pub fn gives_file(self, status: u16, about: &str, media_types: &[&str]) -> Self {
        let schema = || {
            let binary = Some(SchemaFormat::KnownFormat(KnownFormat::Binary));
            ObjectBuilder::new().schema_type(Type::String).format(binary)
        };
        let response = media_types.iter().fold(ResponseBuilder::new().description(about), |response, media| {
            response.content(*media, Content::new(Some(schema())))
        });
        self.change(|operation| operation.response(status.to_string(), response))
    }

    fn change(mut self, change: impl FnOnce(OperationBuilder) -> OperationBuilder) -> Self {
        self.operation = change(OperationBuilder::from(self.operation)).build();
        self
    }

    fn refer<T: ToSchema>(&mut self) -> Ref {
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(name)
    }

    fn operation(&self, policy: Policy, method: &Method) -> Operation {
        let by_policy: &[u16] = match policy.auth {
            Auth::Public | Auth::Visitor if method.is_safe() => &[],
            Auth::Public | Auth::Visitor => &[403],
            Auth::Admin => &[403, 404],
            _ => &[401, 403],
        };
        // A policy limits what may be sent and how often even where nothing is expected.
        let always = [400, 408, 413, 429, 431, 500, 503];
        let mut operation = OperationBuilder::from(self.operation.clone());
        for status in self.statuses.iter().chain(by_policy).chain(&always) {
            operation = operation.response(status.to_string(), refusal(*status));
        }
        let ways: &[&[&str]] = match (policy.auth, method.is_safe()) {
            (Auth::Public | Auth::Visitor, _) => return operation.securities(Some([])).build(),
            (Auth::Person(_), true) => &[&[PERSON], &[SESSION]],
            (Auth::Person(_), false) => &[&[PERSON], &[SESSION, FORM]],
            (Auth::Pending | Auth::Account | Auth::Admin, true) => &[&[SESSION]],
            (Auth::Pending | Auth::Account | Auth::Admin, false) => &[&[SESSION, FORM]],
            (Auth::Operator, _) => &[&[OPERATOR]],
        };
        for way in ways {
            let all =
                way.iter().fold(SecurityRequirement::default(), |all, scheme| all.add(*scheme, Vec::<String>::new()));
            operation = operation.security(all);
        }
        operation.build()
    }
}

impl std::fmt::Debug for Doc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doc").field("statuses", &self.statuses).finish_non_exhaustive()
    }
}

fn refusal(status: u16) -> ResponseBuilder {
    let title = axum::http::StatusCode::from_u16(status)
        .map_or_else(|_| String::new(), |status| problem::for_status(status).title);
    ResponseBuilder::new()
        .description(title)
        .content(problem::MEDIA_TYPE, Content::new(Some(Ref::from_schema_name(PROBLEM))))
}

/// The document of every route of the table that says something about itself.
#[must_use]
pub fn document(table: &RouteTable) -> OpenApi {
    let mut schemas = BTreeMap::from([(PROBLEM.to_owned(), problem_schema())]);
    let mut items: BTreeMap<&str, PathItem> = BTreeMap::new();
    for (route, doc, method) in table.iter().filter_map(described) {
        schemas.extend(doc.schemas.iter().cloned());
        let item = PathItem::new(method, doc.operation(route.policy(), route.method()));
        items.entry(route.path()).or_default().merge_operations(item);
    }
    let paths = items.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
    let components = schemas.into_iter().fold(ComponentsBuilder::new(), |all, (name, schema)| all.schema(name, schema));
    let components =
        components.security_scheme(PERSON, bearer("The token of a person, as it was given when they joined"));
    let components = components.security_scheme(OPERATOR, bearer("The operator's token, from the data directory"));
    let components = components
        .security_scheme(SESSION, key(cookie::SESSION, true, "A session, as browsers hold it"))
        .security_scheme(
            FORM,
            key(csrf::HEADER, false, "The session's form token, without which its cookie changes nothing"),
        );
    let info = Info::new("The API of this service", env!("CARGO_PKG_VERSION"));
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

fn described(route: &Route) -> Option<(&Route, &Doc, HttpMethod)> {
    let method = match *route.method() {
        Method::GET => HttpMethod::Get,
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => return None,
    };
    Some((route, route.doc()?, method))
}

fn bearer(about: &str) -> SecurityScheme {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some(about.to_owned());
    SecurityScheme::Http(scheme)
}

fn key(name: &str, is_cookie: bool, about: &str) -> SecurityScheme {
    let value = ApiKeyValue::with_description(name, about);
    SecurityScheme::ApiKey(if is_cookie { ApiKey::Cookie(value) } else { ApiKey::Header(value) })
}

/// RFC 9457, as [`kernel::Problem`] is written.
fn problem_schema() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let reference = text().format(Some(SchemaFormat::Custom("uri-reference".to_owned())));
    let id = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    let object = ObjectBuilder::new()
        .description(Some("What went wrong (RFC 9457)"))
        .property("type", reference)
        .property("title", text())
        .property("status", ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(400)).maximum(Some(599)))
        .property("detail", text())
        .property("request_id", id)
        .required("type")
        .required("title")
        .required("status");
    RefOr::T(Schema::Object(object.build()))
}
