//! A message as RFC 5322 and MIME write it.

use super::{Mail, MailError};
use lettre::{
    Address, Message,
    message::{Mailbox, MultiPart},
};

/// Who sends.
#[derive(Clone, Debug)]
pub struct From {
    mailbox: Mailbox,
}

impl From {
    /// A name and an address.
    ///
    /// # Errors
    /// It is no address.
    pub fn new(name: &str, address: &str) -> Result<Self, MailError> {
        let address: Address = address.parse().map_err(|_| MailError::Form("the sender's address"))?;
        Ok(Self { mailbox: Mailbox::new(Some(name.to_owned()), address) })
    }

    /// The domain of the address.
    pub(super) fn domain(&self) -> &str {
        self.mailbox.email.domain()
    }

    /// The whole message.
    pub(super) fn write(&self, mail: &Mail) -> Result<Message, MailError> {
        let to: Address = mail.to.parse().map_err(|_| MailError::Form("the addressee's address"))?;
        let subject = one_line(&mail.subject);
        Message::builder()
            .from(self.mailbox.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .message_id(None)
            // Programs that answer mails by themselves leave this one alone (RFC 3834).
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(plain(mail), html(mail)))
            .map_err(|_| MailError::Form("its headers"))
    }
}

#[derive(Clone, Debug)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// What somebody typed must not begin a new header, nor a new paragraph that looks like ours.
fn one_line(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

fn plain(mail: &Mail) -> String {
    let mut text: Vec<String> = mail.paragraphs.iter().map(|paragraph| one_line(paragraph)).collect();
    if let Some((words, url)) = &mail.link {
        text.insert(text.len().min(1), format!("{words}:\n{url}"));
    }
    format!("{}\n", text.join("\n\n"))
}

fn html(mail: &Mail) -> String {
    let paragraph = |text: &String| format!("<p>{}</p>", ui::Html::text(&one_line(text)));
    let mut parts: Vec<String> = mail.paragraphs.iter().map(paragraph).collect();
    if let Some((words, url)) = &mail.link {
        let (url, words) = (ui::Html::text(url), ui::Html::text(words));
        // The address is shown as well: who reads mail with care wants to see where a link leads.
        parts.insert(parts.len().min(1), format!("<p><a href=\"{url}\">{words}</a><br>{url}</p>"));
    }
    format!("<!DOCTYPE html><html lang=\"en\"><body>{}</body></html>", parts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            to: "ada@example.com".to_owned(),
            subject: "Reset\r\nBcc: eve@example.com".to_owned(),
            paragraphs: vec!["Somebody <asked>.\nReally".to_owned(), "Bye.".to_owned()],
            link: Some(("Choose".to_owned(), "https://localhost/reset?token=wbo_1".to_owned())),
        }
    }

    #[test]
    fn a_mail_says_it_twice_and_nothing_typed_becomes_a_header() {
        let from = From::new("Leide: \"x\"", "no-reply@leide.example").unwrap();
        let text = String::from_utf8(from.write(&mail()).unwrap().formatted()).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(!head.contains("\r\nBcc:"), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated") && head.contains("Message-ID: <"), "{head}");
        assert_eq!(text.matches("Content-Type: text/").count(), 2, "{text}");
        assert!(plain(&mail()).contains("Choose:\nhttps://localhost/reset?token=wbo_1"));
        assert!(html(&mail()).contains("Somebody &lt;asked&gt;. Really"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let from = From::new("Leide", "no-reply@leide.example").unwrap();
        for to in ["", "nobody", "a@b\r\nBcc: c@d", "a@example.com, b@example.com"] {
            assert!(from.write(&Mail { to: to.to_owned(), ..mail() }).is_err(), "{to:?}");
        }
    }

    #[test]
    fn the_log_learns_nothing_of_the_addressee() {
        assert!(!format!("{:?}", mail()).contains("ada") && !format!("{:?}", mail()).contains("wbo_"));
    }
}
