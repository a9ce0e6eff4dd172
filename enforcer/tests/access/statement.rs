//! Reads the statements of a remedy as a SQL parser would: quotes count, and nothing is guessed.

use std::iter::Peekable;

use lakewarden_catalog::model::{FullName, PrincipalName, Privilege, SecurableKind};
use lakewarden_catalog::ops::grants::{GrantChange, GrantVerb, PrivilegeOn};

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(char),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut chars = text.chars().peekable();
    let mut found = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            ' ' => {}
            '`' => {
                let mut name = String::new();
                loop {
                    match chars.next().unwrap() {
                        '`' if chars.peek() == Some(&'`') => {
                            chars.next();
                            name.push('`');
                        }
                        '`' => break,
                        c => name.push(c),
                    }
                }
                found.push(Token::Quoted(name));
            }
            c if c.is_ascii_alphanumeric() || c == '_' => {
                let mut word = c.to_string();
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                found.push(Token::Word(word));
            }
            c => found.push(Token::Sign(c)),
        }
    }
    found
}

struct Reader<I: Iterator<Item = Token>>(Peekable<I>);

impl<I: Iterator<Item = Token>> Reader<I> {
    fn is(&mut self, token: &Token) -> bool {
        self.0.next_if_eq(token).is_some()
    }

    fn name(&mut self) -> String {
        match self.0.next().unwrap() {
            Token::Word(name) | Token::Quoted(name) => name,
            Token::Sign(sign) => panic!("`{sign}` is no name"),
        }
    }

    /// Words up to one of these or a sign.
    fn words_until(&mut self, ends: &[&str]) -> String {
        let mut words = Vec::new();
        while let Some(Token::Word(word)) =
            self.0.next_if(|token| matches!(token, Token::Word(word) if !ends.contains(&word.as_str())))
        {
            words.push(word);
        }
        words.join(" ")
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut found = vec![one(self)];
        while self.is(&Token::Sign(',')) {
            found.push(one(self));
        }
        found
    }

    fn privilege(&mut self) -> PrivilegeOn {
        let privilege = Privilege::parse(&self.words_until(&["ON"])).unwrap();
        let mut columns = Vec::new();
        if self.is(&Token::Sign('(')) {
            columns = self.list(Self::name);
            assert!(self.is(&Token::Sign(')')));
        }
        PrivilegeOn { privilege, columns }
    }

    fn kind(&mut self) -> SecurableKind {
        let Token::Word(first) = self.0.next().unwrap() else { panic!("a kind is a bare word") };
        SecurableKind::parse(&first).unwrap_or_else(|| {
            let Token::Word(second) = self.0.next().unwrap() else { panic!("a kind is bare words") };
            SecurableKind::parse(&format!("{first} {second}")).unwrap()
        })
    }
}

/// Reads one statement.
pub fn parse(text: &str) -> GrantChange {
    let mut reader = Reader(tokens(text).into_iter().peekable());
    let (verb, end) = match reader.name().as_str() {
        "GRANT" => (GrantVerb::Grant, "TO"),
        "DENY" => (GrantVerb::Deny, "TO"),
        "REVOKE" => (GrantVerb::Revoke, "FROM"),
        other => panic!("`{other}` is no verb"),
    };
    let privileges = reader.list(Reader::privilege);
    assert!(reader.is(&Token::Word("ON".to_owned())), "{text}");
    let kind = reader.kind();
    let name = if kind == SecurableKind::Metastore {
        FullName::parse("metastore").unwrap()
    } else {
        let mut parts = vec![reader.name()];
        while reader.is(&Token::Sign('.')) {
            parts.push(reader.name());
        }
        FullName::from_parts(&parts).unwrap()
    };
    assert!(reader.is(&Token::Word(end.to_owned())), "{text}");
    let principals = reader.list(|reader| PrincipalName::parse(&reader.name()).unwrap());
    assert_eq!(reader.0.next(), None, "{text}");
    GrantChange { verb, privileges, kind, name, principals }
}
