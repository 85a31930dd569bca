//! Texts of every label, made by a seeded generator: what the model is trained on and measured with.

use super::model::Label;

/// `SplitMix64`: the same numbers from the same seed, everywhere.
pub(crate) struct Random(pub(crate) u64);

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const SYMBOLS: &str = "!@#$%^&*()-_=+[]{}.,?;:~";
const WORDS: &[&str] = &[
    "the", "server", "blue", "river", "horse", "winter", "coffee", "report", "customer", "invoice",
    "please", "update", "before", "meeting", "friday", "garden", "system", "network", "quick",
    "brown", "summer", "monday", "service", "account", "window", "orange", "house", "music",
    "dragon", "silver", "deploy", "release", "version", "backup", "cluster", "paper", "green",
    "light", "stone", "forest", "checks", "status", "error", "with", "from", "when", "about",
    "every", "large", "small", "north", "market", "value", "right", "train", "water", "night",
    "morning", "battery", "staple", "correct", "pizza", "tiger", "football", "secret",
];
const GREETINGS: &[&str] = &[
    "hello", "world", "hi", "hey", "there", "everyone", "good", "evening", "day", "thanks",
    "thank", "you", "how", "are", "is", "it", "yes", "no", "ok", "welcome", "bye", "see", "all",
    "team", "test", "just", "nice", "to", "meet", "my", "name", "sure", "great",
];
const HOSTS: &[&str] = &[
    "db1.internal",
    "localhost",
    "10.0.3.7",
    "pg.prod.example.com",
    "mysql",
    "redis-0.cache",
    "db.example.org",
];

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most).unwrap()).unwrap()
    }

    pub(crate) fn within(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from + 1)
    }

    pub(crate) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    pub(crate) fn text(&mut self, of: &str, length: usize) -> String {
        let of: Vec<char> = of.chars().collect();
        (0..length).map(|_| of[self.below(of.len())]).collect()
    }

    fn alphanumeric(&mut self, from: usize, to: usize) -> String {
        let length = self.within(from, to);
        self.text(&[UPPER, LOWER, DIGITS].concat(), length)
    }

    fn base64(&mut self, length: usize) -> String {
        self.text(&[UPPER, LOWER, DIGITS, "+/"].concat(), length)
    }

    fn word(&mut self) -> String {
        self.pick(WORDS).to_owned()
    }

    fn capitalized(&mut self) -> String {
        capital(&self.word())
    }

    fn sentence(&mut self) -> String {
        let count = self.within(3, 14);
        let words: Vec<_> = (0..count).map(|_| self.word()).collect();
        let end = self.pick(&[".", "!", "?", "", ":"]);
        let text = words.join(" ") + end;
        capital(&text)
    }

    fn armour(&mut self, name: &str, begins: &str) -> String {
        // Of some only the beginning was copied, and some are cut short.
        match self.below(10) {
            0 => return format!("-----BEGIN {name}-----"),
            1 => {
                let length = self.within(4, 48);
                let body = self.base64(length);
                return format!("-----BEGIN {name}-----\n{begins}{body}\n-----END {name}-----");
            }
            _ => {}
        }
        let lines = self.within(4, 24);
        let mut body = begins.to_owned();
        body += &self.base64(64 - begins.len().min(60));
        for _ in 0..lines {
            body.push('\n');
            body += &self.base64(64);
        }
        format!("-----BEGIN {name}-----\n{body}==\n-----END {name}-----\n")
    }
}

/// `text` with a capital.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// A text of this label.
pub(super) fn text(random: &mut Random, label: Label) -> String {
    match label {
        Label::ApiKey => api_key(random),
        Label::Certificate => certificate(random),
        Label::Database => database(random),
        Label::Generic => generic(random),
        Label::NotSecret => not_secret(random),
        Label::Password => password(random),
        Label::SshKey => ssh_key(random),
    }
}

fn api_key(random: &mut Random) -> String {
    let key = match random.below(16) {
        0 => format!(
            "AKIA{}",
            random.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
        ),
        1 => format!(
            "{}_{}",
            random.pick(&["ghp", "gho", "ghs"]),
            random.alphanumeric(36, 36)
        ),
        2 => format!("glpat-{}", random.alphanumeric(20, 20)),
        3 => format!(
            "{}_{}",
            random.pick(&["sk_live", "sk_test", "rk_live"]),
            random.alphanumeric(24, 40)
        ),
        4 => format!(
            "xoxb-{}-{}-{}",
            random.text(DIGITS, 12),
            random.text(DIGITS, 12),
            random.alphanumeric(24, 24)
        ),
        5 => format!("AIza{}", random.alphanumeric(35, 35)),
        6 => format!(
            "SG.{}.{}",
            random.alphanumeric(22, 22),
            random.alphanumeric(43, 43)
        ),
        7 => format!(
            "{}{}",
            random.pick(&["npm_", "hf_", "sk-ant-", "dop_v1_", "cvk_", "1ck_", "pypi-"]),
            random.alphanumeric(30, 60)
        ),
        8 => format!(
            "eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}",
            random.alphanumeric(30, 90),
            random.alphanumeric(43, 43)
        ),
        9 | 10 => {
            let length = random.pick(&["32", "40", "64"]).parse().unwrap();
            random.text(HEX, length)
        }
        11..=13 => random.alphanumeric(28, 64),
        _ => random.base64(44).replace('+', "-").replace('/', "_"),
    };
    match random.below(6) {
        0 => format!(
            "{}={key}",
            random.pick(&["API_KEY", "ACCESS_TOKEN", "STRIPE_API_KEY", "CLIENT_SECRET"])
        ),
        1 => format!(
            "{}: {key}",
            random.pick(&["api_key", "token", "access-token", "auth_token"])
        ),
        2 => format!("Bearer {key}"),
        _ => key,
    }
}

fn certificate(random: &mut Random) -> String {
    let count = random.within(1, 3);
    let chain: Vec<_> = (0..count)
        .map(|_| {
            let name = random.pick(&[
                "CERTIFICATE",
                "CERTIFICATE",
                "TRUSTED CERTIFICATE",
                "X509 CERTIFICATE",
            ]);
            random.armour(name, "MIID")
        })
        .collect();
    let text = chain.concat();
    match random.below(6) {
        0 => format!(
            "subject=CN = {}.example.com\nissuer=CN = Some CA\n{text}",
            random.word()
        ),
        1 => text.trim_end().to_owned(),
        _ => text,
    }
}

fn database(random: &mut Random) -> String {
    let (user, word, host) = (random.word(), random.word(), random.pick(HOSTS).to_owned());
    let secret = password_of(random).replace(['@', '/', ':', ' ', '#', '?'], "x");
    let port = random.within(1024, 65_000);
    match random.below(10) {
        0..=4 => {
            let scheme = random.pick(&[
                "postgres",
                "postgresql",
                "mysql",
                "mariadb",
                "mongodb",
                "mongodb+srv",
                "amqp",
                "sqlserver",
            ]);
            format!("{scheme}://{user}:{secret}@{host}:{port}/{word}")
        }
        5 => format!("redis://:{secret}@{host}:{port}/0"),
        6 => format!("Server={host};Database={word};User Id={user};Password={secret};"),
        7 => format!("host={host} port={port} dbname={word} user={user} password={secret}"),
        8 => format!("DATABASE_URL=postgres://{user}:{secret}@{host}/{word}"),
        _ => format!(
            "jdbc:{}://{host}:{port}/{word}?user={user}&password={secret}",
            random.pick(&["mysql", "postgresql"])
        ),
    }
}

fn generic(random: &mut Random) -> String {
    match random.below(6) {
        0 => random.armour("PRIVATE KEY", "MIIE"),
        1 => random.armour("ENCRYPTED PRIVATE KEY", "MIIF"),
        2 => {
            let (name, first) = (random.word(), random.alphanumeric(20, 40));
            format!(
                "{{\"type\":\"{name}\",\"client_id\":\"{}\",\"secret\":\"{first}\"}}",
                random.text(DIGITS, 12)
            )
        }
        3 => {
            let (one, other, word) = (
                random.alphanumeric(16, 40),
                password_of(random),
                random.word().to_uppercase(),
            );
            format!("{word}_SECRET={one}\n{word}_PASSWORD={other}\nPORT=8080")
        }
        4 => {
            let count = random.pick(&["12", "24"]).parse::<usize>().unwrap();
            let words: Vec<_> = (0..count).map(|_| random.word()).collect();
            words.join(" ")
        }
        _ => random.armour("PGP PRIVATE KEY BLOCK", "lQOY"),
    }
}

fn password_of(random: &mut Random) -> String {
    let number = random.within(0, 9_999);
    match random.below(8) {
        0 | 1 => format!(
            "{}{number}{}",
            random.capitalized(),
            random.text(SYMBOLS, 1)
        ),
        2 => {
            let number = number % if random.below(2) == 0 { 100 } else { 10_000 };
            let between = random.pick(&["", "", "!", "@", "#", "$", "_", "-", "."]);
            format!("{}{between}{number}", random.word())
        }
        3 => {
            let length = random.within(10, 24);
            random.text(&[UPPER, LOWER, DIGITS, SYMBOLS].concat(), length)
        }
        4 => {
            let length = random.within(12, 20);
            random.text(&[UPPER, LOWER, DIGITS, SYMBOLS, SYMBOLS].concat(), length)
        }
        5 => format!(
            "{}-{}-{}-{}",
            random.word(),
            random.word(),
            random.word(),
            random.word()
        ),
        6 => random.alphanumeric(8, 16),
        _ => {
            random
                .word()
                .replace('a', "@")
                .replace('o', "0")
                .replace('e', "3")
                + &random.text("!1#9", 2)
        }
    }
}

fn password(random: &mut Random) -> String {
    let password = password_of(random);
    match random.below(6) {
        0 => format!("password: {password}"),
        1 => format!(
            "{}={password}",
            random.pick(&["PASSWORD", "DB_PASSWORD", "pwd", "passphrase"])
        ),
        _ => password,
    }
}

fn ssh_key(random: &mut Random) -> String {
    match random.below(6) {
        0 | 1 => random.armour("OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktdjEAAAAA"),
        2 => {
            let kind = random.pick(&["RSA", "EC", "DSA"]);
            random.armour(&format!("{kind} PRIVATE KEY"), "MIIE")
        }
        3 => format!(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} {}@host",
            random.base64(43),
            random.word()
        ),
        4 => format!(
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ{}",
            random.base64(300)
        ),
        _ => format!(
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: {}\nPublic-Lines: 2\n{}\n",
            random.word(),
            random.base64(64)
        ),
    }
}

fn not_secret(random: &mut Random) -> String {
    let (one, other, number) = (random.word(), random.word(), random.within(0, 9_999));
    match random.below(23) {
        18..=20 => {
            let count = random.within(1, 4);
            let words: Vec<_> = (0..count).map(|_| random.pick(GREETINGS)).collect();
            let text =
                words.join(random.pick(&[" ", " ", ", "])) + random.pick(&["", "", "!", "."]);
            if random.below(2) == 0 {
                capital(&text)
            } else {
                text
            }
        }
        0..=3 => random.sentence(),
        4 => format!("{} {}", random.sentence(), random.sentence()),
        5 => format!("https://{one}.example.com/{other}?page={number}"),
        6 => format!("{one}.{other}@example.com"),
        7 => format!(
            "/{one}/{other}/{}.{}",
            random.word(),
            random.pick(&["rs", "txt", "yaml", "py"])
        ),
        8 => format!("let {one} = {other}({number});"),
        9 => format!("{}.{}.{}", number % 20, number % 7, number % 13),
        10 => {
            let hex = |random: &mut Random, length| random.text(HEX, length);
            format!(
                "{}-{}-4{}-a{}-{}",
                hex(random, 8),
                hex(random, 4),
                hex(random, 3),
                hex(random, 3),
                hex(random, 12)
            )
        }
        11 => format!(
            "2026-{:02}-{:02}T{:02}:04:05Z",
            number % 12 + 1,
            number % 28 + 1,
            number % 24
        ),
        12 => format!(
            "{}: {}",
            random.pick(&["password", "api_key", "token"]),
            random.pick(&[
                "${DB_PASSWORD}",
                "{{ vault.secret }}",
                "<your token>",
                "changeme",
                "********"
            ])
        ),
        13 => format!(
            "{one}: {}",
            random.pick(&[
                "true",
                "false",
                "8080",
                "info",
                "eu-west-1",
                "postgresql",
                "enabled"
            ])
        ),
        14 => format!("commit {}", random.text(HEX, 40)),
        15 | 21 | 22 => {
            let count = random.within(1, 3);
            let words: Vec<_> = (0..count).map(|_| random.word()).collect();
            words.join(" ")
        }
        16 => format!("{{\"name\":\"{one}\",\"enabled\":true,\"count\":{number}}}"),
        _ => format!(
            "{}_{}={}",
            one.to_uppercase(),
            other.to_uppercase(),
            random.pick(&["8080", "true", "production", "info", "eu-1"])
        ),
    }
}
