//! What no route matches, passed on to an application that stands behind this edge. Most requests of such a service come this
//! way, so that it is short: one future for the policy, one for the handler.

use crate::{
    enforce::{Guard, held},
    gate::{Gate, Later},
    meter::Counted,
    policy::{Limit, Policy},
};
use axum::{extract::Request, http::request::Parts, response::Response};
use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
};

/// Finds the policy for a request that no route matches.
pub(crate) type Choose = Arc<dyn Fn(&Parts) -> Policy + Send + Sync>;

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Answers it.
pub(crate) type Handle = Arc<dyn Fn(Request) -> Answering + Send + Sync>;

/// How the log and the limits name what no route matches.
const REST: &str = "(rest)";

/// What stands before the handler of what no route matches. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Passing(Arc<Inner>);

struct Inner {
    choose: Choose,
    handle: Handle,
    gate: Arc<dyn Gate>,
    /// The limit that was asked for first, and what the limits call it: as a rule there is one.
    counted: OnceLock<(Limit, Arc<Counted>)>,
}

impl Passing {
    pub(crate) fn new(choose: Choose, handle: Handle, gate: Arc<dyn Gate>) -> Self {
        Self(Arc::new(Inner { choose, handle, gate, counted: OnceLock::new() }))
    }
}

impl Passing {
    /// Answers what no route matches.
    pub(crate) fn answer(&self, request: Request) -> Later<'_, Response> {
        let inner = &*self.0;
        let (parts, body) = request.into_parts();
        let policy = (inner.choose)(&parts);
        let guard = Guard { path: REST, counted: inner.counted(policy.limit), policy, gate: Arc::clone(&inner.gate) };
        Box::pin(async move { held(&guard, parts, body, |request| (inner.handle)(request)).await })
    }
}

impl Inner {
    /// What the limits count: calls under one limit are counted together.
    fn counted(&self, limit: Limit) -> Arc<Counted> {
        let counted = || Counted::new(format!("{REST} {limit}"), limit).into();
        let (first, known) = self.counted.get_or_init(|| (limit, counted()));
        if *first == limit { Arc::clone(known) } else { counted() }
    }
}
