//! One objective.

use super::{HOME, at, at_key_result, done};
use crate::{
    Okrs,
    frame::View,
    parts::{Progress, aim, figure, owner, paragraphs},
    people::People,
    progress::{Mood, of_tree, of_value},
    texts::{self, EN},
};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Ids, Query};
use serde::Deserialize;
use std::collections::HashMap;
use store::objectives::{self, Filter, KeyResult, Objective, Tree, Writer};
use ui::{Act, Cell, Facts, Heading, Html, Links, Notice, Page, Part as _, Table, Tone};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    done: Option<String>,
}

/// What the page is made from.
struct Shown<'a> {
    view: &'a View,
    objective: &'a Objective,
    key_results: &'a [KeyResult],
    tree: &'a Tree,
    shares: HashMap<Uuid, Option<f64>>,
    people: &'a People,
    writer: Writer,
}

pub(super) async fn show(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids(id): Ids<Uuid>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let mut scoped = app.scoped(view.caller).await?;
    let (objective, key_results) = objectives::get(&mut scoped, id).await?;
    let filter = if objective.archived_at.is_some() { Filter::All } else { Filter::Current };
    let tree = objectives::tree(&mut scoped, filter).await?;
    let people = People::of(&mut scoped).await?;
    let shown = Shown {
        view: &view,
        objective: &objective,
        key_results: &key_results,
        tree: &tree,
        shares: of_tree(&tree),
        people: &people,
        writer: view.writer(),
    };
    app.show(&view, StatusCode::OK, &at(id), &shown.page(asked.done.as_deref())).await
}

impl Shown<'_> {
    fn page(&self, word: Option<&str>) -> Page {
        let archived = self.objective.archived_at.is_some();
        let page = Page::new(&self.objective.fields.title)
            .wide()
            .add(done(word))
            .add(archived.then(|| Notice::info(EN.is_archived, "")))
            .add(paragraphs(&self.objective.fields.description))
            .add(self.facts())
            .add(Heading::new(EN.key_results))
            .add(self.weights().map(|words| Notice::info(words, "")))
            .add(self.key_results())
            .add(self.put_away())
            .add(self.supporting());
        page.add(self.ways()).add(self.restore())
    }

    fn may_write(&self) -> bool {
        self.writer.may_write(self.objective.fields.level, self.objective.fields.owner)
    }

    fn facts(&self) -> Facts {
        let fields = &self.objective.fields;
        let facts = Facts::new()
            .html(EN.progress, Progress(self.shares.get(&self.objective.id).copied().flatten()).html())
            .fact(EN.status, texts::status(fields.status))
            .fact(EN.level, texts::level(fields.level))
            .fact(EN.owner, owner(self.people, fields.owner))
            .fact(EN.period, format!("{} – {}", fields.starts_on, fields.ends_on))
            .fact(EN.weight, fields.weight.to_string())
            .fact(EN.check_in_every, texts::every(fields.check_in_every));
        let above = fields.parent.and_then(|parent| self.tree.objectives.iter().find(|one| one.id == parent));
        match above {
            Some(above) => facts.html(EN.parent, link(at(above.id), &above.fields.title)),
            None => facts,
        }
    }

    fn current(&self) -> impl Iterator<Item = &KeyResult> {
        self.key_results.iter().filter(|one| one.archived_at.is_none())
    }

    fn weights(&self) -> Option<&'static str> {
        let sum: u32 = self.current().map(|one| u32::from(one.fields.weight)).sum();
        (self.current().next().is_some() && sum != 100).then_some(EN.weights_off)
    }

    fn key_results(&self) -> Table {
        let table = Table::new(EN.key_results, [EN.title, EN.progress, EN.value, EN.confidence, EN.owner, EN.weight]);
        self.current().fold(table.empty(EN.no_key_results), |table, one| {
            let fields = &one.fields;
            let value = figure(fields.unit, one.current());
            let confidence = match &one.latest {
                Some(latest) => Cell::lines(latest.confidence.to_string(), texts::mood(Mood::of(latest.confidence))),
                None => Cell::text("–"),
            };
            table.row([
                Cell::link(at_key_result(one.objective, one.id), &fields.title),
                Cell::part(Progress(Some(of_value(fields, one.current())))),
                Cell::lines(value, format!("{} → {}", figure(fields.unit, fields.initial), aim(fields))),
                confidence,
                Cell::text(owner(self.people, fields.owner)),
                Cell::text(fields.weight.to_string()),
            ])
        })
    }

    /// Key results that are archived, where there are some.
    fn put_away(&self) -> Vec<Html> {
        let mut archived = self.key_results.iter().filter(|one| one.archived_at.is_some()).peekable();
        if archived.peek().is_none() {
            return Vec::new();
        }
        let table = archived.fold(Table::new(EN.archived_key_results, [EN.title]), |table, one| {
            table.row([Cell::link(at_key_result(one.objective, one.id), &one.fields.title)])
        });
        vec![Heading::new(EN.archived_key_results).html(), table.html()]
    }

    /// The objectives that support this one, where there are some.
    fn supporting(&self) -> Vec<Html> {
        let below = |one: &&Objective| one.fields.parent == Some(self.objective.id) && one.archived_at.is_none();
        let mut below = self.tree.objectives.iter().filter(below).peekable();
        if below.peek().is_none() {
            return Vec::new();
        }
        let table = Table::new(EN.supporting, [EN.title, EN.status, EN.progress, EN.owner, EN.weight]);
        let table = below.fold(table, |table, one| {
            table.row([
                Cell::link(at(one.id), &one.fields.title),
                Cell::badge(texts::status(one.fields.status)),
                Cell::part(Progress(self.shares.get(&one.id).copied().flatten())),
                Cell::text(owner(self.people, one.fields.owner)),
                Cell::text(one.fields.weight.to_string()),
            ])
        });
        vec![Heading::new(EN.supporting).html(), table.html()]
    }

    fn ways(&self) -> Links {
        let here = at(self.objective.id);
        let links = if self.may_write() && self.objective.archived_at.is_none() {
            Links::row()
                .button(format!("{here}/key-results/new"), EN.add_key_result, Tone::Main)
                .link(format!("{here}/edit"), EN.edit_link)
                .link(format!("{here}/archive"), EN.archive)
        } else {
            Links::row()
        };
        links.link(format!("{here}/history"), EN.history).link(HOME, EN.back)
    }

    fn restore(&self) -> Option<Act> {
        let restore = || {
            Act::new(format!("{}/restore", at(self.objective.id)), self.view.token.to_string(), EN.restore)
                .with("version", self.objective.version.to_string())
                .about(&self.objective.fields.title)
                .tone(Tone::Quiet)
        };
        (self.may_write() && self.objective.archived_at.is_some()).then(restore)
    }
}

#[derive(askama::Template)]
#[template(source = "<a href=\"{{ href }}\">{{ label }}</a>", ext = "html")]
struct Link<'a> {
    href: String,
    label: &'a str,
}

fn link(href: String, label: &str) -> Html {
    Html::of(&Link { href, label })
}
