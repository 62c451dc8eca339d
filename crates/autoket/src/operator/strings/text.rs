//! Sums as text: `"0.5*X0 X1 - Z2"`, `"0^ 1 + 1^ 0"`.
//!
//! A term is its factors, with spaces between them, after a coefficient and `*`.
//! As OpenFermion prints them, factors may also stand in brackets: `"(0.5+1j) [X0 X1] + 2 []"`.

use std::ops::Range;

use crate::error::Error;
use crate::scalar::c64;

/// What is wrong in a text, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// The bytes of the text.
    pub span: Range<usize>,
    /// What would have been accepted.
    pub expected: String,
    /// What to do about it.
    pub cure: String,
}

impl Mistake {
    /// What stands at its place in `text`.
    pub fn got(&self, text: &str) -> String {
        match text[self.span.clone()].trim() {
            "" => "the end of the text".to_owned(),
            token => format!("`{token}`"),
        }
    }

    /// The same without a place, for a field that holds `text`.
    pub(super) fn into_error(self, field: &str, text: &str) -> Error {
        let got = match self.span.start {
            0 => self.got(text),
            start => format!("{} after `{}`", self.got(text), text[..start].trim_end()),
        };
        Error::invalid(field, self.expected, got, self.cure)
    }
}

/// A kind of factors.
pub(super) struct Alphabet<F> {
    /// A factor and its site, from all of a token.
    pub factor: fn(&str) -> Option<(F, usize)>,
    /// In words, for messages.
    pub expected: &'static str,
    pub example: &'static str,
}

/// A coefficient and factors, each with its site.
pub(super) type Term<F> = (c64, Vec<(F, usize)>);

/// The terms of a sum: coefficients and factors on `n_sites` sites.
pub(super) fn parse<F>(
    text: &str,
    n_sites: usize,
    alphabet: &Alphabet<F>,
) -> Result<Vec<Term<F>>, Mistake> {
    let mut parser = Parser {
        text,
        at: 0,
        n_sites,
        alphabet,
    };
    let mut terms = Vec::new();
    parser.skip_space();
    loop {
        let mut sign = 1.0;
        let mut signs = 0;
        while let Some(c) = parser.take(&['+', '-']) {
            if c == '-' {
                sign = -sign;
            }
            signs += 1;
        }
        if signs == 0 && !terms.is_empty() {
            if parser.rest().is_empty() {
                return Ok(terms);
            }
            return Err(parser.unexpected("`+` or `-` between terms"));
        }
        let (coefficient, factors) = parser.term()?;
        terms.push((sign * coefficient, factors));
    }
}

struct Parser<'a, F> {
    text: &'a str,
    at: usize,
    n_sites: usize,
    alphabet: &'a Alphabet<F>,
}

impl<'a, F> Parser<'a, F> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// One of some characters, and the space after it.
    fn take(&mut self, wanted: &[char]) -> Option<char> {
        let c = self.rest().chars().next().filter(|c| wanted.contains(c))?;
        self.at += c.len_utf8();
        self.skip_space();
        Some(c)
    }

    /// What stands here, up to a space or a sign of its own.
    fn token(&self) -> &'a str {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || "+-*[]()".contains(c);
        match rest.find(ends) {
            Some(0) => &rest[..1],
            Some(end) => &rest[..end],
            None => rest,
        }
    }

    fn mistake(&self, expected: impl Into<String>, cure: impl Into<String>) -> Mistake {
        Mistake {
            span: self.at..self.at + self.token().len(),
            expected: expected.into(),
            cure: cure.into(),
        }
    }

    fn unexpected(&self, expected: &str) -> Mistake {
        let example = format!("write a sum such as \"{}\"", self.alphabet.example);
        self.mistake(expected, example)
    }

    /// A coefficient, if one is here, and factors.
    fn term(&mut self) -> Result<Term<F>, Mistake> {
        let start = self.at;
        let coefficient = self.coefficient()?;
        let coefficient = match coefficient {
            None => c64::ONE,
            Some(coefficient) if self.take(&['*']).is_some() || self.rest().starts_with('[') => {
                coefficient
            }
            // Not a coefficient but the site of a fermion; or one without its `*`.
            Some(_) => {
                self.at = start;
                if (self.alphabet.factor)(self.token()).is_none() {
                    let cure = "write `0.5*` before the factors, and a constant as `0.5*[]`";
                    return Err(self.mistake("a factor, or a coefficient and `*`", cure));
                }
                c64::ONE
            }
        };
        let bracketed = self.take(&['[']).is_some();
        let mut factors = Vec::new();
        loop {
            let token = self.token();
            match token {
                "]" if bracketed => {
                    self.take(&[']']);
                    return Ok((coefficient, factors));
                }
                "" | "+" | "-" if !bracketed && !factors.is_empty() => {
                    return Ok((coefficient, factors));
                }
                _ => {}
            }
            let Some((factor, site)) = (self.alphabet.factor)(token) else {
                return Err(self.unexpected(self.alphabet.expected));
            };
            if site >= self.n_sites {
                let expected = format!("sites from 0 to {}", self.n_sites - 1);
                return Err(self.mistake(expected, "number sites from 0, or take more of them"));
            }
            factors.push((factor, site));
            self.at += token.len();
            self.skip_space();
        }
    }

    /// `0.5`, `2j` or `(1-2j)`.
    fn coefficient(&mut self) -> Result<Option<c64>, Mistake> {
        if self.take(&['(']).is_none() {
            return Ok(self.number());
        }
        let mut sum = c64::ZERO;
        loop {
            let sign = if self.take(&['-']).is_some() {
                -1.0
            } else {
                1.0
            };
            self.take(&['+']);
            let Some(number) = self.number() else {
                return Err(self.unexpected("a number"));
            };
            sum += sign * number;
            if self.take(&[')']).is_some() {
                return Ok(Some(sum));
            }
            if !self.rest().starts_with(['+', '-']) {
                return Err(self.unexpected("`+`, `-` or `)`"));
            }
        }
    }

    /// A number without a sign, imaginary if `j` follows.
    fn number(&mut self) -> Option<c64> {
        let rest = self.rest().as_bytes();
        let digits = |from: usize| {
            let rest = rest.get(from..).unwrap_or(&[]);
            rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let mut end = digits(0);
        if rest.get(end) == Some(&b'.') {
            end += 1 + digits(end + 1);
        }
        if let Some(b'e' | b'E') = rest.get(end) {
            let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > 0 {
                end += 1 + sign + exponent;
            }
        }
        let number: f64 = self.rest()[..end].parse().ok()?;
        if !number.is_finite() {
            return None;
        }
        self.at += end;
        let imaginary = self.rest().starts_with(['i', 'j']);
        if imaginary {
            self.at += 1;
        }
        self.skip_space();
        Some(match imaginary {
            true => c64::new(0.0, number),
            false => c64::from(number),
        })
    }
}
