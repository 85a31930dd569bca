//! Takes the four files of Swagger UI that the explorer needs out of the archive that the build brings along, and
//! compresses them: a tenth of what the whole of it would add to the program.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Cursor, Read, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

const FROM_ARCHIVE: [&str; 3] = [
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-ui.css",
];
const OWN: [&str; 3] = ["explorer.css", "explorer.js", "snippets.js"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/explorer");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let mut table = String::from("[\n");
    for name in FROM_ARCHIVE {
        let names: Result<Vec<_>, _> = archive
            .file_names()
            .map(|name| name.map(String::from))
            .collect();
        let wanted = format!("/dist/{name}");
        let entry = names?.into_iter().find(|entry| entry.ends_with(&wanted));
        let entry = entry.ok_or_else(|| format!("the archive holds no {name}"))?;
        let mut bytes = Vec::new();
        archive.by_name(&entry)?.read_to_end(&mut bytes)?;
        add(&mut table, &out, name, &bytes)?;
    }
    for name in OWN {
        add(
            &mut table,
            &out,
            name,
            &fs::read(Path::new("src/explorer").join(name))?,
        )?;
    }
    table.push_str("]\n");
    fs::write(out.join("explorer.rs"), table)?;
    Ok(())
}

fn add(table: &mut String, out: &Path, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let media_type = if Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "css")
    {
        "text/css; charset=utf-8"
    } else {
        "text/javascript; charset=utf-8"
    };
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    let path = out.join(format!("{name}.gz"));
    fs::write(&path, gzip.finish()?)?;
    let path = path.to_str().ok_or("OUT_DIR is not UTF-8")?;
    writeln!(
        table,
        "    ({name:?}, {media_type:?}, include_bytes!({path:?})),"
    )?;
    Ok(())
}
