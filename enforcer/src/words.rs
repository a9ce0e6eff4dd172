//! The words that casbin sees: what is held, what is wanted, and what of the one gives the other.
//!
//! This is the only table of what a privilege implies. Privileges cross into casbin as their SQL words; three words are
//! ours: `OWN` is held by an owner on what it owns, `GOVERN` is held by an owner there and on everything below, and is
//! wanted where ownership counts whatever was denied, and `SEE <kind>` is wanted to know that something exists. None of the
//! three can be granted or denied.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use lakewarden_catalog::model::{Privilege, SecurableKind};

use crate::mix::Mix;

/// What a row gives or takes: a privilege, or ownership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Held {
    /// A privilege that was granted or denied.
    Privilege(Privilege),
    /// Ownership of the securable that the row is on: every privilege on it.
    Own,
    /// What the owner of a securable has on it and on everything below it: to manage and to see.
    Govern,
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

/// Where a row lies, seen from the object of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the object.
    Itself,
    /// On its table (when it is a column), its schema or its catalog.
    Above,
    /// On the metastore, and the object is below it.
    Metastore,
    /// Anywhere else.
    Elsewhere,
}

/// Bit of `Held::Own` in a mask; privileges have the bits of their `PrivilegeSet`.
pub(crate) const OWN_BIT: u64 = 1 << 63;
/// Bit of `Held::Govern` in a mask.
pub(crate) const GOVERN_BIT: u64 = 1 << 62;
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
            Self::Govern => "GOVERN",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        WORDS.get(text)?.held
    }

    pub(crate) fn bit(self) -> u64 {
        match self {
            Self::Privilege(privilege) => privilege.bit(),
            Self::Own => OWN_BIT,
            Self::Govern => GOVERN_BIT,
        }
    }

    /// What has this bit in a mask, by its number.
    pub(crate) fn of_bit(number: u32) -> Option<Self> {
        match 1 << number {
            OWN_BIT => Some(Self::Own),
            GOVERN_BIT => Some(Self::Govern),
            // The bits of privileges are their places among all of them.
            _ => Privilege::ALL.get(number as usize).copied().map(Self::Privilege),
        }
    }

    /// Everything that can be held, ownership first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Self::Own, Self::Govern].into_iter().chain(Privilege::ALL.iter().copied().map(Self::Privilege))
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
        WORDS.get(text)?.wanted
    }

    /// A small number, different for each.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Privilege(privilege) => privilege as usize,
            Self::See(kind) => FIRST_KIND + kind as usize,
            Self::Govern => GOVERN_INDEX,
        }
    }

    /// Everything that can be wanted.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let privileges = Privilege::ALL.iter().copied().map(Self::Privilege);
        privileges.chain([Self::Govern]).chain(SecurableKind::ALL.iter().copied().map(Self::See))
    }
}

/// What a word means, on either side.
#[derive(Default)]
struct Word {
    held: Option<Held>,
    wanted: Option<Wanted>,
}

static WORDS: LazyLock<HashMap<&'static str, Word, BuildHasherDefault<Mix>>> = LazyLock::new(|| {
    let mut words: HashMap<&'static str, Word, BuildHasherDefault<Mix>> = HashMap::default();
    Held::all().for_each(|held| words.entry(held.text()).or_default().held = Some(held));
    Wanted::all().for_each(|wanted| words.entry(wanted.text()).or_default().wanted = Some(wanted));
    words
});

/// Whether what is held (or denied) on a place counts on the object at all.
pub(crate) fn counts(held: Held, place: Place) -> bool {
    match held {
        Held::Own => place == Place::Itself,
        Held::Govern => place != Place::Elsewhere,
        Held::Privilege(_) => matches!(place, Place::Itself | Place::Above),
    }
}

/// Whether `held` gives `wanted`; denied, whether it takes it away.
pub(crate) fn gives(denied: bool, held: Held, wanted: Wanted) -> bool {
    use Privilege::{AllPrivileges, Browse, Manage};
    match (held, wanted) {
        (Held::Own | Held::Govern, _) if denied => false,
        (Held::Own, wanted) => matches!(wanted, Wanted::Privilege(_)),
        (Held::Govern, wanted) => {
            matches!(wanted, Wanted::Govern | Wanted::See(_) | Wanted::Privilege(Manage | Browse))
        }
        (Held::Privilege(_), Wanted::Govern) => false,
        (Held::Privilege(held), Wanted::See(_)) if denied => matches!(held, Browse | AllPrivileges),
        // ALL PRIVILEGES has in it whatever means something there.
        (Held::Privilege(held), Wanted::See(kind)) => held == AllPrivileges || held.reaches(kind),
        (Held::Privilege(held), Wanted::Privilege(wanted)) => {
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
        let mut masks = [Relevant::default(); WANTED];
        for wanted in Wanted::all() {
            let bits = |denied: bool| {
                let matters = |held: &Held| gives(denied, *held, wanted);
                Held::all().filter(matters).fold(0, |mask, held| mask | held.bit())
            };
            if let Some(mask) = masks.get_mut(wanted.index()) {
                *mask = Relevant { allow: bits(false), deny: bits(true) };
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
