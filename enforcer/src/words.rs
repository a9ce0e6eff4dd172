//! The words that casbin sees: what is held, what is wanted, and what of the one gives the other.
//!
//! This is the only table of what a privilege implies. Privileges cross into casbin as their SQL words; two words are
//! ours: `OWN` is held by an owner, `GOVERN` is wanted where ownership counts whatever was denied, and `SEE <kind>` is
//! wanted to know that something exists. None of the three can be granted or denied.

use lakewarden_catalog::model::{Privilege, SecurableKind};

/// What a row gives or takes: a privilege, or ownership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Held {
    /// A privilege that was granted or denied.
    Privilege(Privilege),
    /// Ownership of the securable that the row is on.
    Own,
}

/// What one question to casbin asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    /// A privilege.
    Privilege(Privilege),
    /// To own it or anything above it. No denial takes this away, so an owner can always lift a denial.
    Govern,
    /// To know that a securable of this kind exists.
    See(SecurableKind),
}

/// By which way a row bears on the object of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// An allow row on the object.
    Itself,
    /// An allow row on its catalog or schema.
    Inherited,
    /// An allow row on the metastore, for an object below it.
    Admin,
    /// A deny row on the object, its schema or its catalog.
    Denied,
}

impl How {
    const ALLOWING: [How; 3] = [How::Itself, How::Inherited, How::Admin];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "itself" => Some(Self::Itself),
            "inherited" => Some(Self::Inherited),
            "admin" => Some(Self::Admin),
            "denied" => Some(Self::Denied),
            _ => None,
        }
    }
}

/// Bit of `Held::Own` in a mask; privileges have the bits of their `PrivilegeSet`.
pub(crate) const OWN_BIT: u64 = 1 << 63;
/// The bits from here on are not for privileges.
const FIRST_RESERVED: usize = 48;
/// What can be wanted, in the order of its numbers: privileges, kinds to see, to govern.
const FIRST_KIND: usize = FIRST_RESERVED;
const GOVERN_INDEX: usize = FIRST_KIND + SecurableKind::ALL.len();
pub(crate) const WANTED: usize = GOVERN_INDEX + 1;
const _: () = assert!(Privilege::ALL.len() <= FIRST_RESERVED);

impl Held {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Privilege(privilege) => privilege.as_str(),
            Self::Own => "OWN",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "OWN" { Some(Self::Own) } else { privilege(text).map(Self::Privilege) }
    }

    pub(crate) fn bit(self) -> u64 {
        match self {
            Self::Privilege(privilege) => privilege.bit(),
            Self::Own => OWN_BIT,
        }
    }

    /// Everything that can be held, ownership first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Own).chain(Privilege::ALL.iter().copied().map(Self::Privilege))
    }
}

impl Wanted {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Privilege(privilege) => privilege.as_str(),
            Self::Govern => "GOVERN",
            Self::See(kind) => see(kind),
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("SEE ") {
            Some(kind) => SecurableKind::parse(kind).map(Self::See),
            None if text == "GOVERN" => Some(Self::Govern),
            None => privilege(text).map(Self::Privilege),
        }
    }

    /// A small number, different for each.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Privilege(privilege) => privilege as usize,
            Self::See(kind) => FIRST_KIND + kind as usize,
            Self::Govern => GOVERN_INDEX,
        }
    }
}

/// Whether `held` gives `wanted` (for `How::Denied`: takes it away).
pub(crate) fn gives(how: How, held: Held, wanted: Wanted) -> bool {
    use Privilege::{AllPrivileges, Browse, Manage};
    match (how, held, wanted) {
        (How::Itself, Held::Own, _) => true,
        (How::Inherited | How::Admin, Held::Own, wanted) => {
            matches!(wanted, Wanted::Govern | Wanted::See(_) | Wanted::Privilege(Manage | Browse))
        }
        (How::Denied, Held::Own, _) | (How::Admin, Held::Privilege(_), _) => false,
        (_, Held::Privilege(_), Wanted::Govern) => false,
        (How::Denied, Held::Privilege(held), Wanted::See(_)) => matches!(held, Browse | AllPrivileges),
        // ALL PRIVILEGES has in it whatever means something there.
        (_, Held::Privilege(held), Wanted::See(kind)) => held == AllPrivileges || held.reaches(kind),
        (_, Held::Privilege(held), Wanted::Privilege(wanted)) => {
            held == wanted || held.implies(wanted) || (held == AllPrivileges && wanted.in_all_privileges())
        }
    }
}

/// The bits that can matter to a question. Other rows are not worth showing to casbin.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Relevant {
    /// What may give what is wanted.
    pub(crate) allow: u64,
    /// What, when denied, takes it away.
    pub(crate) deny: u64,
}

/// Masks made once: which bits can matter to a question, and which bits are privileges at all.
#[derive(Debug)]
pub(crate) struct Relevance {
    masks: [Relevant; WANTED],
    known: u64,
}

impl Relevance {
    pub(crate) fn new() -> Self {
        let privileges = Privilege::ALL.iter().copied().map(Wanted::Privilege);
        let kinds = SecurableKind::ALL.iter().copied().map(Wanted::See);
        let mut masks = [Relevant::default(); WANTED];
        for wanted in privileges.chain([Wanted::Govern]).chain(kinds) {
            let bits = |hows: &[How]| {
                let matters = |held: &Held| hows.iter().any(|how| gives(*how, *held, wanted));
                Held::all().filter(matters).fold(0, |mask, held| mask | held.bit())
            };
            if let Some(mask) = masks.get_mut(wanted.index()) {
                *mask = Relevant { allow: bits(&How::ALLOWING), deny: bits(&[How::Denied]) };
            }
        }
        Self { masks, known: Privilege::ALL.iter().fold(0, |mask, privilege| mask | privilege.bit()) }
    }

    /// The bits that can matter to this question.
    pub(crate) fn of(&self, wanted: Wanted) -> Relevant {
        self.masks.get(wanted.index()).copied().unwrap_or_default()
    }

    /// Whether all bits are of privileges that this build knows.
    pub(crate) fn knows(&self, bits: u64) -> bool {
        bits & !self.known == 0
    }
}

fn privilege(text: &str) -> Option<Privilege> {
    Privilege::ALL.iter().copied().find(|privilege| privilege.as_str() == text)
}

/// The words of `Wanted::See`.
fn see(kind: SecurableKind) -> &'static str {
    match kind {
        SecurableKind::Metastore => "SEE METASTORE",
        SecurableKind::Catalog => "SEE CATALOG",
        SecurableKind::Schema => "SEE SCHEMA",
        SecurableKind::Table => "SEE TABLE",
        SecurableKind::View => "SEE VIEW",
        SecurableKind::Function => "SEE FUNCTION",
        SecurableKind::Volume => "SEE VOLUME",
        SecurableKind::Model => "SEE MODEL",
        SecurableKind::ExternalLocation => "SEE EXTERNAL LOCATION",
        SecurableKind::StorageCredential => "SEE STORAGE CREDENTIAL",
        SecurableKind::Connection => "SEE CONNECTION",
        SecurableKind::Share => "SEE SHARE",
        SecurableKind::Recipient => "SEE RECIPIENT",
        SecurableKind::Provider => "SEE PROVIDER",
        SecurableKind::Tag => "SEE TAG",
        SecurableKind::Column => "SEE COLUMN",
    }
}
