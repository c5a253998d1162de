//! Asking before something that cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::args::Global;
use crate::message::{Code, Failure};
use crate::output::printable;

/// Makes sure that the user wants `deed`: by `--yes`, or by asking where there is a terminal.
pub(crate) fn require(deed: &str, yes: bool, global: &Global) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if global.no_input || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let why = if global.no_input { "--no-input forbids to ask" } else { "there is no terminal to ask on" };
        let message = format!("cannot {deed} without consent: {why}");
        return Err(Failure::new(Code::Usage, message).with_fix("add --yes"));
    }
    let _ = write!(io::stderr(), "{} [y/N] ", printable(deed));
    if is_yes(&mut io::stdin().lock()) {
        Ok(())
    } else {
        Err(Failure::new(Code::Other, format!("did not {deed}: not confirmed")))
    }
}

fn is_yes(answers: &mut impl BufRead) -> bool {
    let mut answer = String::new();
    // Who cannot answer has not agreed.
    answers.read_line(&mut answer).is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_consent() {
        for (answer, is_consent) in
            [("y\n", true), ("YES\n", true), ("\n", false), ("", false), ("n\n", false), ("yep\n", false)]
        {
            assert_eq!(is_yes(&mut answer.as_bytes()), is_consent, "{answer:?}");
        }
    }
}
