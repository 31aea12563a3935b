//! The pages.

use super::{
    open, png,
    system::{Person, System},
};
use outbound::Answer;

/// A form with a file, as a browser sends it.
async fn send(system: &System, who: &Person, name: &str, file_name: &str, content: &[u8]) -> Answer {
    let head = format!(
        "--b\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\n{name}\r\n--b\r\ncontent-disposition: form-data; \
         name=\"file\"; filename=\"{file_name}\"\r\ncontent-type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), content, b"\r\n--b--\r\n"].concat();
    system.send(who, "POST", "/drawings", "multipart/form-data; boundary=b", &body).await
}

/// Where a form led to.
fn led(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

#[tokio::test]
async fn a_person_uploads_shares_and_deletes() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let bob = system.join(&ada, "Bob", "member").await;
    assert!(system.get(&ada, "/drawings").await.text().contains("There are no drawings yet"));
    assert!(system.get(&ada, "/drawings/new").await.text().contains("enctype=\"multipart/form-data\""));

    let to = led(&send(&system, &ada, "", "C:\\plans\\<b>box.png", &png()).await);
    let page = to.split('?').next().unwrap().to_owned();
    let shown = system.get(&ada, &to).await.text();
    assert!(
        shown.contains("Uploaded.") && shown.contains("&#60;b&#62;box.png") && !shown.contains("<b>box"),
        "{shown}"
    );
    assert!(shown.contains(&format!("<img src=\"{page}/original\"")) && shown.contains("Only you see this drawing."));
    let original = system.get(&ada, &format!("{page}/original")).await;
    assert_eq!((original.body, original.headers["content-type"].to_str().unwrap()), (png(), "image/png"));

    assert_eq!(system.get(&bob, &page).await.status, 404);
    assert_eq!(
        led(&system.form(&ada, &format!("{page}/share"), &[("person", &bob.id)]).await),
        format!("{page}?done=share")
    );
    let seen = system.get(&bob, &page).await.text();
    assert!(
        seen.contains("Ada &#60;Lovelace&#62;") || seen.contains("Ada &lt;Lovelace&gt;"),
        "a name is escaped: {seen}"
    );
    assert!(!seen.contains("/delete") && !seen.contains("/share"), "a reader is offered what is the uploader's");
    assert_eq!(system.get(&bob, &format!("{page}/delete")).await.status, 404);
    assert!(system.get(&bob, "/drawings?which=shared").await.text().contains(&page));
    let wrong = system.form(&ada, &format!("{page}/share"), &[("person", "nobody")]).await;
    assert!(wrong.status == 422 && wrong.text().contains("Choose a member of the team."));
    assert_eq!(system.form(&bob, &format!("{page}/share"), &[("person", &bob.id)]).await.status, 404);

    led(&system.form(&ada, &format!("{page}/grants/{}/remove", bob.id), &[]).await);
    assert_eq!(system.get(&bob, &page).await.status, 404);
    assert!(system.get(&ada, &format!("{page}/delete")).await.text().contains("Delete this drawing?"));
    assert_eq!(system.get(&ada, &page).await.status, 200, "the question deletes nothing");
    assert_eq!(led(&system.form(&ada, &format!("{page}/delete"), &[]).await), "/drawings?done=delete");
    assert!(system.get(&ada, "/drawings?done=delete").await.text().contains("Deleted."));
    assert_eq!(system.get(&ada, &page).await.status, 404);
}

#[tokio::test]
async fn a_wrong_file_is_refused_in_words_and_the_name_stays() {
    let system = open().await;
    let ada = system.team("Engines").await;
    for (content, words) in [(&b"<html>"[..], "This file is none of these"), (b"", "Choose a file.")] {
        let answer = send(&system, &ada, "Gear \"box\"", "x.png", content).await;
        assert_eq!(answer.status, 422);
        let page = answer.text();
        assert!(
            page.contains(words) && page.contains("value=\"Gear &#34;box&#34;\"") || page.contains("&quot;box&quot;"),
            "{page}"
        );
    }
    let long = send(&system, &ada, &"x".repeat(201), "x.png", &png()).await;
    assert!(long.status == 422 && long.text().contains("longer than 200"));
}

#[tokio::test]
async fn an_svg_is_saved_and_never_opened_as_a_document() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let page = led(&send(&system, &ada, "Plan", "p.svg", svg).await).split('?').next().unwrap().to_owned();
    let original = system.get(&ada, &format!("{page}/original")).await;
    assert!(original.header("content-disposition").unwrap().starts_with("attachment; filename=\"Plan.svg\""));
    assert_eq!(original.header("content-type"), Some("image/svg+xml"));
    assert!(original.header("content-security-policy").unwrap().contains("default-src 'none'"));
}

#[tokio::test]
async fn a_viewer_looks_and_does_nothing_else() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let eve = system.join(&ada, "Eve", "viewer").await;
    let list = system.get(&eve, "/drawings").await.text();
    assert!(list.contains("What colleagues share with you appears here") && !list.contains("/drawings/new"));
    assert_eq!(system.get(&eve, "/drawings/new").await.status, 403);
    assert_eq!(send(&system, &eve, "x", "x.png", &png()).await.status, 403);
}

#[tokio::test]
async fn lists_have_pages() {
    let system = open().await;
    let ada = system.team("Engines").await;
    for n in 0..51 {
        led(&send(&system, &ada, &format!("Plan-{n:02}"), "p.png", b"\x89PNG\r\n\x1a\n").await);
    }
    let first = system.get(&ada, "/drawings").await.text();
    assert!(first.contains("Plan-50") && first.contains("Plan-01") && !first.contains("Plan-00"));
    let older = first.split("href=\"").find(|link| link.contains("before=")).unwrap();
    let older = older.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    let second = system.get(&ada, &older).await.text();
    assert!(second.contains("Plan-00") && second.contains("Back to the newest") && !second.contains("Plan-01"));
}
