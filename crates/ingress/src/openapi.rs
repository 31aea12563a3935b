//! The OpenAPI 3.1 document, made from the table of routes: what the policy says of a route is in its entry by itself.

use crate::{
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
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

/// The scheme of a person's token.
const PERSON: &str = "person";
/// The scheme of the operator's token.
const OPERATOR: &str = "operator";
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

    fn operation(&self, policy: Policy) -> Operation {
        let by_policy: &[u16] = if policy.auth == Auth::Public { &[] } else { &[401, 403] };
        // A policy limits what may be sent even where nothing is expected.
        let always = [400, 408, 413, 431, 500];
        let mut operation = OperationBuilder::from(self.operation.clone());
        for status in self.statuses.iter().chain(by_policy).chain(&always) {
            operation = operation.response(status.to_string(), refusal(*status));
        }
        let scheme = match policy.auth {
            Auth::Public => return operation.securities(Some([])).build(),
            Auth::Person => PERSON,
            Auth::Operator => OPERATOR,
        };
        operation.security(SecurityRequirement::new(scheme, Vec::<String>::new())).build()
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
        let item = PathItem::new(method, doc.operation(route.policy()));
        items.entry(route.path()).or_default().merge_operations(item);
    }
    let paths = items.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
    let components = schemas.into_iter().fold(ComponentsBuilder::new(), |all, (name, schema)| all.schema(name, schema));
    let components =
        components.security_scheme(PERSON, bearer("The token of a person, as it was given when they joined"));
    let components = components.security_scheme(OPERATOR, bearer("The operator's token, from the data directory"));
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
