//! The arguments, as clap reads them and `--help` explains them.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use cred_model::{ExportForm, ImportForm};
use cred_store::{Encryption, Filter, UserId, Version};

use crate::fix::shell_word;
use crate::message::{Code, Failure};
use crate::output::Format;

/// Keeps users' Google OAuth credentials in a directory or an S3 bucket.
#[derive(Debug, Parser)]
#[command(name = "cred", version, max_term_width = 100, after_help = EXAMPLES, after_long_help = MORE)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cred import ada@example.com token.json
  cred list --expired
  cred --store s3://acme-creds/prod/ show ada@example.com
  cred --help                      # also the exit codes and the environment";

const MORE: &str = "\
Examples:
  cred import ada@example.com token.json
  cred list --expired
  cred --store s3://acme-creds/prod/ show ada@example.com

Exit codes:
  0    done
  1    failed for a reason that no other code names; also when nobody reads the output any more
  2    the command line is wrong, or consent is missing
  3    there is no such credential
  4    permission, AWS credentials or configuration; also a credential that names another user
  5    the document is not as --if-absent or --if-version wants it
  6    the document or the input is corrupt, or not a credential
  7    the network or the server failed: try again
  9    partly done: some of the documents could not be read or deleted
  130  interrupted

Environment:
  WORKSPACE_MCP_CREDENTIALS_DIR, GOOGLE_MCP_CREDENTIALS_DIR
            the store, where --store is not given
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
  AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL
            S3, as every AWS tool reads them
  CRED_LOG  what to log on standard error, as cred=debug; -v and -q are short for it
  NO_COLOR  no colour, unless --color always";

/// What may stand before or after the command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where the credentials are: a directory, or s3://bucket/prefix/
    ///
    /// Otherwise the first that is set: WORKSPACE_MCP_CREDENTIALS_DIR, GOOGLE_MCP_CREDENTIALS_DIR,
    /// ~/.google_workspace_mcp/credentials.
    #[arg(long, global = true, value_name = "URI")]
    pub(crate) store: Option<String>,
    /// Print one JSON value on standard output, also for an error
    #[arg(long, global = true)]
    json: bool,
    /// Say more: -v what is done, -vv how, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// The longest time for each call to the store, retries included: 500ms, 30s, 5m
    #[arg(long, global = true, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Never ask: fail where consent is missing
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// The region of the bucket
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The URL of the S3 server, where it is not AWS
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Encryption in the bucket: aes256 (default), kms, kms:KEY, bucket-default, none
    #[arg(long, global = true, value_name = "HOW")]
    pub(crate) sse: Option<Encryption>,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Store a credential that another program has written
    Import(Import),
    /// Write a credential for another program
    Export(Export),
    /// Show one credential, its secrets masked
    Show(Show),
    /// Show who is in the store
    List(List),
    /// Show the first valid credential
    Find(Find),
    /// Delete credentials from the store; nothing is revoked at Google
    Delete(Delete),
}

/// `cred import`.
#[derive(Debug, Args)]
#[command(
    visible_alias = "save",
    after_help = "\
Examples:
  cred import ada@example.com token.json
  cred import u-1042 --email ada@example.com < ~/.config/gcloud/application_default_credentials.json
  curl … | cred import ada@example.com --from token-response --client-file client.json"
)]
pub(crate) struct Import {
    /// Whose credential it is: an e-mail address, a number, whatever you call your users
    #[arg(value_name = "ID")]
    pub(crate) user: UserId,
    /// The file; standard input if it is `-` or left out
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// The form of the file, where it is not to be recognised
    #[arg(long, value_name = "FORM", value_parser = import_form())]
    pub(crate) from: Option<ImportForm>,
    /// The client file of the Google console, for a form that names no client
    #[arg(long, value_name = "FILE")]
    pub(crate) client_file: Option<PathBuf>,
    /// The user's e-mail address, kept in the document if it names nobody
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Replace what is stored, instead of merging the file into it
    #[arg(long)]
    pub(crate) replace: bool,
    /// Only if nothing is stored yet
    #[arg(long, conflicts_with = "if_version")]
    pub(crate) if_absent: bool,
    /// Only if what is stored has this version, as `cred show` prints it
    #[arg(long, value_name = "VERSION")]
    pub(crate) if_version: Option<Version>,
    /// Also over a document that is corrupt or names another user; its bytes are kept in .aside/
    #[arg(long)]
    pub(crate) force: bool,
    /// Say what would happen, and do not do it
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `cred export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cred export ada@example.com token.json
  cred export ada@example.com adc.json --format adc
  eval \"$(cred export ada@example.com --format env)\"")]
pub(crate) struct Export {
    /// Whose credential
    #[arg(value_name = "ID")]
    pub(crate) user: UserId,
    /// The file, created for its owner alone (0600); standard output if it is `-` or left out
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// The form to write
    #[arg(long, value_name = "FORM", default_value = "google-auth", value_parser = export_form())]
    pub(crate) format: ExportForm,
    /// Do not ask before secrets go to a terminal or over a file
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `cred show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cred show ada@example.com
  cred show ada@example.com --json | jq -r .expiry")]
pub(crate) struct Show {
    /// Whose credential
    #[arg(value_name = "ID")]
    pub(crate) user: UserId,
    /// Print the secrets too
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// `cred list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cred list
  cred list --expired --email '*@example.com'
  cred list --names-only | wc -l
  cred list --jsonl | jq -r 'select(.status != \"valid\") | .id'")]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Print the ids only, without reading any document
    #[arg(long, conflicts_with_all = ["expired", "scope", "email"])]
    pub(crate) names_only: bool,
    #[command(flatten)]
    lines: Lines,
}

/// `cred find`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cred find
  cred find --scope https://www.googleapis.com/auth/drive --json
  cred find --all --email '*@example.com'")]
pub(crate) struct Find {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Every valid credential, not the first alone
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    lines: Lines,
}

/// `cred delete`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cred delete ada@example.com
  cred delete --yes ada@example.com bob@example.com
  cred delete --dry-run -- -odd-id")]
pub(crate) struct Delete {
    /// Whose credentials
    #[arg(value_name = "ID", required = true)]
    pub(crate) users: Vec<UserId>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Also a document that names another user
    #[arg(long)]
    pub(crate) force: bool,
    /// Say what would be deleted, and do not do it
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Which credentials.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Only those whose access token has expired
    #[arg(long)]
    expired: bool,
    /// Only those granted this scope; may be given again
    #[arg(long)]
    scope: Vec<String>,
    /// Only those of e-mail addresses that match, * being any text and ? any character
    #[arg(long, value_name = "GLOB")]
    email: Option<String>,
}

#[derive(Debug, Args)]
struct Lines {
    /// Print one JSON value a line as soon as it is known, credentials and errors alike
    #[arg(long, conflicts_with = "json")]
    jsonl: bool,
}

impl Cli {
    /// Reads the arguments of the process; `Err` if all is said already.
    pub(crate) fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| answer(&error))
    }

    /// How answers are printed.
    pub(crate) fn format(&self) -> Format {
        match &self.command {
            Command::List(List { lines, .. }) | Command::Find(Find { lines, .. }) if lines.jsonl => Format::JsonLines,
            _ if self.global.json => Format::Json,
            _ => Format::Text,
        }
    }
}

impl Global {
    /// `cred` as a shell takes it, with the options that lead it to this store.
    pub(crate) fn cred(&self) -> String {
        let sse = self.sse.as_ref().map(ToString::to_string);
        let options =
            [("--store", &self.store), ("--region", &self.region), ("--endpoint", &self.endpoint), ("--sse", &sse)];
        options.into_iter().fold("cred".into(), |command, (option, value)| match value.as_deref() {
            Some(value) if value.starts_with('-') => format!("{command} {option}={}", shell_word(value)),
            Some(value) => format!("{command} {option} {}", shell_word(value)),
            None => command,
        })
    }
}

impl Which {
    pub(crate) fn filter(&self) -> Filter {
        let filter = if self.expired { Filter::new().expired() } else { Filter::new() };
        let filter = self.scope.iter().fold(filter, Filter::with_scope);
        match &self.email {
            Some(pattern) => filter.with_email(pattern),
            None => filter,
        }
    }
}

/// Prints the help that was asked for, or what is wrong with the arguments.
fn answer(error: &clap::Error) -> ExitCode {
    // Whoever closed these streams does not want to read it.
    let _ = error.print();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return ExitCode::SUCCESS;
    }
    // The arguments cannot be read, so this is looked for by hand.
    let mut options = std::env::args_os().skip(1).take_while(|argument| argument != "--");
    if options.any(|argument| ["--json", "--jsonl"].map(OsStr::new).contains(&&*argument)) {
        let text = error.render().to_string();
        let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let message = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let failure = Failure::new(Code::Usage, message).with_fix("see how it is called: cred --help");
        let _ = writeln!(io::stdout(), "{}", failure.to_json());
    }
    Code::Usage.into()
}

fn import_form() -> impl TypedValueParser<Value = ImportForm> {
    PossibleValuesParser::new(["google-auth", "adc", "upstream", "yup", "token-response"])
        .try_map(|word| word.parse::<ImportForm>())
}

fn export_form() -> impl TypedValueParser<Value = ExportForm> {
    PossibleValuesParser::new(["google-auth", "adc", "upstream", "env"]).try_map(|word| word.parse::<ExportForm>())
}

/// Reads a whole number and its unit.
fn duration(text: &str) -> Result<Duration, &'static str> {
    let unit_start = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_start);
    let number: u64 = number.parse().map_err(|_| "a duration is a whole number and a unit, such as 30s")?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a duration carries its unit: ms, s, m or h"),
    };
    match number.checked_mul(milliseconds) {
        Some(0) => Err("a duration is longer than nothing"),
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        None => Err("such a long time cannot be waited for"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for arguments in [["cred", "--store", "x", "show", "ada"], ["cred", "show", "ada", "--store", "x"]] {
            assert_eq!(Cli::try_parse_from(arguments).unwrap().global.store.as_deref(), Some("x"));
        }
    }

    #[test]
    fn a_command_to_type_leads_to_the_same_store() {
        let arguments = ["cred", "list", "--store=-a b", "--sse", "kms:k", "--endpoint=http://h:1", "--json"];
        let global = Cli::try_parse_from(arguments).unwrap().global;
        assert_eq!(global.cred(), "cred --store='-a b' --endpoint http://h:1 --sse kms:k");
    }

    #[test]
    fn a_duration_carries_a_unit() {
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1_500)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        for text in ["", "30", "s", "-1s", "1.5s", "1d", "1 s", "0s", "18446744073709551615h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
