//! The words of these pages. A translation is one more constant.

use store::drawings::Kind;

/// The words of these pages.
#[derive(Clone, Copy, Debug)]
pub struct Texts {
    /// The product, in the navigation and as a heading.
    pub drawings: &'static str,
    /// Under that heading.
    pub lead: &'static str,
    /// The ways to choose: all, own, shared.
    pub all: &'static str,
    /// See above.
    pub own: &'static str,
    /// See above.
    pub shared: &'static str,
    /// The columns.
    pub name: &'static str,
    /// See above.
    pub kind: &'static str,
    /// See above.
    pub size: &'static str,
    /// See above.
    pub uploaded: &'static str,
    /// See above.
    pub owner: &'static str,
    /// What the owner column says of one's own.
    pub you: &'static str,
    /// What it says of somebody who has left.
    pub former: &'static str,
    /// Where there is nothing.
    pub empty: &'static str,
    /// Where there is nothing of one's own, for whoever may only look.
    pub empty_viewer: &'static str,
    /// Where nothing is shared.
    pub empty_shared: &'static str,
    /// The way to the next page.
    pub older: &'static str,
    /// The way back to the first.
    pub newest: &'static str,
    /// The way to the upload, and its heading.
    pub upload: &'static str,
    /// Under that heading.
    pub upload_lead: &'static str,
    /// The field for the file.
    pub file: &'static str,
    /// What it takes.
    pub file_hint: &'static str,
    /// The field for the name says more.
    pub name_hint: &'static str,
    /// What is wrong with a missing file.
    pub no_file: &'static str,
    /// What is wrong with an unknown one.
    pub unknown_file: &'static str,
    /// The name of a file that has none.
    pub unnamed: &'static str,
    /// The way back to the list.
    pub back: &'static str,
    /// The way to the file.
    pub open: &'static str,
    /// The way to the file, to keep it.
    pub save: &'static str,
    /// Before the name, for whoever does not see the picture.
    pub picture_of: &'static str,
    /// The section about sharing.
    pub sharing: &'static str,
    /// Above its list.
    pub shared_with: &'static str,
    /// Where nobody is in it.
    pub not_shared: &'static str,
    /// Since when.
    pub since: &'static str,
    /// The field for whom to share with.
    pub share_with: &'static str,
    /// The button.
    pub share: &'static str,
    /// The button that ends a share.
    pub unshare: &'static str,
    /// Where there is nobody to share with.
    pub nobody: &'static str,
    /// What is wrong with whoever is no member.
    pub no_member: &'static str,
    /// The section about deletion, and its button.
    pub delete: &'static str,
    /// The way to it.
    pub delete_link: &'static str,
    /// What it does.
    pub delete_lead: &'static str,
    /// The question.
    pub delete_question: &'static str,
    /// The way out of it.
    pub keep: &'static str,
    /// After an upload.
    pub done_upload: &'static str,
    /// After sharing.
    pub done_share: &'static str,
    /// After the end of a share.
    pub done_unshare: &'static str,
    /// After a deletion.
    pub done_delete: &'static str,
}

/// English.
pub const EN: Texts = Texts {
    drawings: "Drawings",
    lead: "Yours, and those that colleagues share with you. Nobody else sees them.",
    all: "All",
    own: "Mine",
    shared: "Shared with me",
    name: "Name",
    kind: "Kind",
    size: "Size",
    uploaded: "Uploaded",
    owner: "Owner",
    you: "You",
    former: "A former member",
    empty: "There are no drawings yet. Upload the first one.",
    empty_viewer: "There are no drawings yet. What colleagues share with you appears here.",
    empty_shared: "Nobody has shared a drawing with you yet.",
    older: "Older drawings",
    newest: "Back to the newest",
    upload: "Upload a drawing",
    upload_lead: "Only you see it until you share it.",
    file: "File",
    file_hint: "PNG, JPEG, PDF, SVG, DXF or DWG, at most 16 MiB.",
    name_hint: "Left empty, it is the file's own name.",
    no_file: "Choose a file.",
    unknown_file: "This file is none of these: PNG, JPEG, PDF, SVG, DXF, DWG.",
    unnamed: "Drawing",
    back: "All drawings",
    open: "Open the original",
    save: "Save the original",
    picture_of: "Drawing: ",
    sharing: "Sharing",
    shared_with: "Shared with",
    not_shared: "Only you see this drawing.",
    since: "Since",
    share_with: "Colleague",
    share: "Share",
    unshare: "Stop sharing",
    nobody: "There is nobody else in the team to share with.",
    no_member: "Choose a member of the team.",
    delete: "Delete",
    delete_link: "Delete this drawing",
    delete_lead: "A drawing that is deleted is gone for you and for everybody it was shared with.",
    delete_question: "Delete this drawing?",
    keep: "Keep it",
    done_upload: "Uploaded.",
    done_share: "Shared.",
    done_unshare: "No longer shared.",
    done_delete: "Deleted.",
};

/// How people call a kind.
#[must_use]
pub const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Png => "PNG picture",
        Kind::Jpeg => "JPEG picture",
        Kind::Pdf => "PDF",
        Kind::Svg => "SVG",
        Kind::Dxf => "DXF",
        Kind::Dwg => "DWG",
    }
}

/// A length as people read it.
#[must_use]
pub fn size(bytes: u64) -> String {
    const KIB: u64 = 1_024;
    match bytes {
        1 => "1 byte".to_owned(),
        0..KIB => format!("{bytes} bytes"),
        KIB..1_048_576 => format!("{} KiB", bytes.div_ceil(KIB)),
        _ => {
            let tenths = bytes.saturating_mul(10).div_ceil(KIB * KIB);
            format!("{}.{} MiB", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_readable() {
        let shown: Vec<_> = [1, 1_023, 1_024, 1_025, 1_048_576, 16 * 1_048_576].into_iter().map(size).collect();
        assert_eq!(shown, ["1 byte", "1023 bytes", "1 KiB", "2 KiB", "1.0 MiB", "16.0 MiB"]);
    }
}
