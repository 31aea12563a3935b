//! The page of the team.

use super::texts::EN;
use super::view::Viewer;
use crate::{Accounts, profile::Done};
use axum::{extract::State, http::StatusCode, response::Response};
use ingress::{Caller, problem::Answer};
use kernel::{AccountId, Permission, TeamRole, Timestamp};
use store::team::{self, Invitation, Member, Membership, Settings};
use ui::{Act, Cell, Field, Form, Heading, Links, Notice, Page, Prose, Section, Table, Tone};

/// What the page shows beside the rows: what was typed, and what is wrong with it.
#[derive(Default)]
pub(super) struct Typed {
    /// The address that was to be invited.
    pub(super) email: String,
    /// What is wrong with it.
    pub(super) email_error: Option<&'static str>,
    /// What is wrong with the whole.
    pub(super) error: Option<String>,
    /// What was done.
    pub(super) done: Option<&'static str>,
}

/// GET /team.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    caller: Caller,
    viewer: Viewer,
    ingress::Query(asked): ingress::Query<Done>,
) -> Answer<Response> {
    let done = match asked.done.as_str() {
        "settings" => Some(EN.saved),
        "role" => Some(EN.done_role),
        "removed" => Some(EN.done_removed),
        "revoked" => Some(EN.done_revoked),
        "switched" => Some(EN.done_switched),
        _ => None,
    };
    render(&accounts, caller, &viewer, Typed { done, ..Typed::default() }).await
}

/// The page, after an act that went wrong too.
pub(super) async fn render(accounts: &Accounts, caller: Caller, viewer: &Viewer, typed: Typed) -> Answer<Response> {
    let csrf = viewer.csrf();
    let mut scoped = accounts.store().scoped(caller.tenant, &caller.actor()).await?;
    let members = team::members(&mut scoped).await?;
    let settings = team::settings(&mut scoped).await?;
    let may = |permission| caller.role.may(permission);
    let invitations = if may(Permission::MembersInvite) { team::invitations(&mut scoped).await? } else { Vec::new() };
    drop(scoped);
    let teams = match caller.account {
        Some(account) => memberships(accounts, account).await?,
        None => Vec::new(),
    };
    let failed = typed.error.is_some() || typed.email_error.is_some();
    let mut page = Page::new(settings.name.clone()).lead(EN.team_lead).wide().error(typed.error.clone());
    page = page.add(typed.done.map(|words| Notice::done(words, "")));
    page = page.add(Heading::new(EN.members)).add(member_table(&members, caller, csrf));
    if may(Permission::MembersInvite) {
        page = page
            .add(Heading::new(EN.invitations))
            .add(invitation_table(&invitations, accounts.now(), csrf))
            .add(invite_form(caller.role, &typed, csrf));
    }
    if may(Permission::TeamManage) {
        page = page.add(settings_form(&settings, csrf));
    }
    if may(Permission::AuditRead) {
        let links = Links::row().link("/team/log", EN.log_link);
        let owns = may(Permission::TeamOwn);
        page = page.add(if owns { links.link("/team/saml", EN.saml_link) } else { links });
    }
    if teams.len() > 1 {
        page = page.add(team_table(&teams, caller, csrf));
    }
    let leave = Act::new("/team/leave", csrf, EN.leave).with("sure", "yes").tone(Tone::Danger);
    page = page.add(Section::new(EN.leave).add(Prose::soft(EN.leave_lead)).add(leave));
    let status = if failed { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    viewer.show(accounts, "/team", status, &page).await
}

async fn memberships(accounts: &Accounts, account: AccountId) -> Answer<Vec<Membership>> {
    Ok(team::memberships(accounts.store(), account).await?)
}

/// The roles that somebody of this role can give.
pub(super) fn givable(role: TeamRole) -> impl Iterator<Item = TeamRole> {
    TeamRole::ALL.into_iter().filter(move |given| *given <= role)
}

fn member_table(members: &[Member], caller: Caller, csrf: &str) -> Table {
    let manages = caller.role.may(Permission::MembersManage);
    let heads: &[&str] = if manages { &[EN.name, EN.role, EN.joined, ""] } else { &[EN.name, EN.role, EN.joined] };
    let mut table = Table::new(EN.members, heads.iter().copied()).empty(EN.nobody);
    for member in members {
        let name =
            if member.person == caller.person { format!("{} ({})", member.name, EN.you) } else { member.name.clone() };
        // Only an owner makes or unmakes one.
        let within_reach = manages && member.role <= caller.role;
        let role = if within_reach {
            Cell::part(role_form(member, caller.role, csrf))
        } else {
            Cell::badge(EN.of(member.role))
        };
        let mut cells = vec![Cell::lines(&name, &member.email), role, Cell::moment(member.created_at)];
        if manages {
            let remove = Act::new(format!("/team/members/{}/remove", member.person), csrf, EN.remove)
                .about(&member.name)
                .tone(Tone::Danger);
            let offered = within_reach && member.person != caller.person;
            cells.push(if offered { Cell::part(remove) } else { Cell::text("") });
        }
        table = table.row(cells);
    }
    table
}

fn role_form(member: &Member, by: TeamRole, csrf: &str) -> Form {
    let choices = givable(by).map(|role| (role.as_str(), EN.of(role)));
    let label = format!("{}: {}", EN.role, member.name);
    Form::post(format!("/team/members/{}/role", member.person), csrf, EN.change)
        .field(
            Field::select("role", label, choices)
                .id(format!("role-{}", member.person))
                .value(member.role.as_str())
                .unseen_label(),
        )
        .tone(Tone::Quiet)
}

fn invitation_table(invitations: &[Invitation], now: Timestamp, csrf: &str) -> Table {
    let mut table = Table::new(EN.invitations, [EN.email, EN.role, EN.expires, ""]).empty(EN.no_invitations);
    let open = |one: &&Invitation| one.accepted_at.is_none() && one.revoked_at.is_none() && one.expires_at > now;
    for invitation in invitations.iter().filter(open) {
        let revoke =
            Act::new(format!("/team/invitations/{}/revoke", invitation.id), csrf, EN.revoke).about(&invitation.email);
        table = table.row([
            Cell::text(&invitation.email),
            Cell::badge(EN.of(invitation.role)),
            Cell::moment(invitation.expires_at),
            Cell::part(revoke),
        ]);
    }
    table
}

fn invite_form(by: TeamRole, typed: &Typed, csrf: &str) -> Form {
    let choices = givable(by).map(|role| (role.as_str(), EN.explained(role)));
    Form::post("/team/invitations", csrf, EN.invite)
        .title(EN.invite_title)
        .lead(EN.invite_lead)
        .field(Field::email("email", EN.email).value(typed.email.as_str()).error(typed.email_error).autocomplete("off"))
        .field(Field::select("role", EN.role, choices).value(TeamRole::Member.as_str()))
}

fn settings_form(settings: &Settings, csrf: &str) -> Form {
    Form::post("/team/settings", csrf, EN.save)
        .title(EN.settings)
        .field(Field::text("name", EN.team_name).value(settings.name.as_str()).longest(200).autocomplete("off"))
        .field(
            Field::check("require_second_factor", EN.second_factor, settings.require_second_factor)
                .hint(EN.second_factor_hint),
        )
        .tone(Tone::Quiet)
}

fn team_table(teams: &[Membership], caller: Caller, csrf: &str) -> Section {
    let mut table = Table::new(EN.teams, [EN.team_name, EN.role, ""]);
    for team in teams {
        let last = if team.tenant == caller.tenant {
            Cell::badge(EN.current)
        } else if team.suspended {
            Cell::badge(EN.suspended)
        } else {
            let switch = Act::new("/team/switch", csrf, EN.switch).with("tenant", team.tenant.to_string());
            Cell::part(switch.about(&team.name))
        };
        table = table.row([Cell::text(&team.name), Cell::badge(EN.of(team.role)), last]);
    }
    Section::new(EN.teams).add(Prose::soft(EN.teams_lead)).add(table)
}
