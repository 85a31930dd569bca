//! Environment variables that are more than data: secrets must not become them unnoticed.

/// Whether setting this variable changes which code a program runs, or which server and token `kluis` itself uses. Whoever
/// may write a secret could otherwise run code wherever it is injected.
pub fn runs_code(name: &str) -> bool {
    NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.to_ascii_uppercase().starts_with("NPM_CONFIG_")
}

const PREFIXES: &[&str] = &[
    "BASH_FUNC_",
    "CARGO_TARGET_",
    "CORECLR_",
    "COR_",
    "DYLD_",
    "GIT_CONFIG",
    "KLUIS_",
    "LD_",
    "LUA_CPATH",
    "LUA_INIT",
    "LUA_PATH",
    "PIP_",
];

const NAMES: &[&str] = &[
    // Where programs, configuration and libraries are looked for.
    "CDPATH",
    "CLASSPATH",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "HOME",
    "LOCPATH",
    "PATH",
    "TERMCAP",
    "TERMINFO",
    "TERMINFO_DIRS",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    // Shells; those that one has for itself end its reading of a file.
    "BASHOPTS",
    "BASHPID",
    "BASH_VERSINFO",
    "BASH_XTRACEFD",
    "EUID",
    "GROUPS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "UID",
    "BASH_ENV",
    "ENV",
    "FPATH",
    "GLOBIGNORE",
    "IFS",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS4",
    "SHELL",
    "SHELLOPTS",
    "ZDOTDIR",
    // Programs that others start.
    "BROWSER",
    "CVS_RSH",
    "EDITOR",
    "FCEDIT",
    "LESSCLOSE",
    "LESSOPEN",
    "MANPAGER",
    "PAGER",
    "RSYNC_RSH",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "SUDO_EDITOR",
    "SVN_SSH",
    "VISUAL",
    // Containers, builds and desktops.
    "CC",
    "COMPOSE_ENV_FILES",
    "COMPOSE_FILE",
    "CXX",
    "DOCKER_CONFIG",
    "DOCKER_HOST",
    "GRADLE_OPTS",
    "GTK_MODULES",
    "GUILE_LOAD_PATH",
    "JULIA_LOAD_PATH",
    "QT_PLUGIN_PATH",
    // Git.
    "GIT_ASKPASS",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_TEMPLATE_DIR",
    // Node.js.
    "ELECTRON_RUN_AS_NODE",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REPL_EXTERNAL_MODULE",
    // Python.
    "PYTHONBREAKPOINT",
    "PYTHONEXECUTABLE",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONWARNINGS",
    // Perl, Ruby, PHP, R, Tcl.
    "BUNDLE_GEMFILE",
    "GEM_HOME",
    "GEM_PATH",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "RUBYLIB",
    "RUBYOPT",
    "RUBYSHELL",
    "R_ENVIRON",
    "R_ENVIRON_USER",
    "R_PROFILE",
    "R_PROFILE_USER",
    "TCLLIBPATH",
    // The Java, .NET and Erlang machines.
    "DOTNET_ADDITIONAL_DEPS",
    "DOTNET_STARTUP_HOOKS",
    "ELIXIR_ERL_OPTIONS",
    "ERL_AFLAGS",
    "ERL_FLAGS",
    "ERL_LIBS",
    "ERL_ZFLAGS",
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "MAVEN_OPTS",
    "_JAVA_OPTIONS",
    // Compilers and build tools.
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "GOFLAGS",
    "MAKEFILES",
    "MAKEFLAGS",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "TAR_OPTIONS",
    // Configuration that names programs to run or modules to load.
    "AWS_CONFIG_FILE",
    "DOCKER_CONFIG",
    "EXINIT",
    "KUBECONFIG",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "VIMINIT",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_run_code_are_known() {
        for name in [
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "LD_AUDIT",
            "NODE_OPTIONS",
            "BASH_ENV",
            "PYTHONSTARTUP",
            "GIT_SSH_COMMAND",
            "PATH",
            "IFS",
            "DYLD_INSERT_LIBRARIES",
            "npm_config_script_shell",
            "KLUIS_URL",
        ] {
            assert!(runs_code(name), "{name}");
        }
        for name in [
            "API_KEY",
            "DATABASE_URL",
            "PATHS",
            "NODE_ENV",
            "OLD_PATH",
            "HOMEPAGE",
            "CARGO_REGISTRY_TOKEN",
        ] {
            assert!(!runs_code(name), "{name}");
        }
    }
}
