# Short commands for contributors. `just --list` shows them.

# Everything that a change must pass: format, lints, documentation, licences, fuzz targets, all tests
check:
    .ci/run

# Unit tests and stories, without the tests that need root
test *ARGUMENTS:
    cargo test --locked -- --skip as_another_user --skip root_keeps_the_owner {{ARGUMENTS}}

# End-to-end tests, after installing the programs that they need
e2e *ARGUMENTS:
    tests/setup
    cargo test --locked --test e2e -- {{ARGUMENTS}}

# Everything, as root: units, stories, end to end, injected faults
test-all:
    tests/all

# Time `authctl token` against similar commands
bench *ARGUMENTS:
    cargo bench --bench token -- {{ARGUMENTS}}

# Write the manual pages, the completions and the configuration reference again
update:
    packaging/update
    BLESS=1 cargo test --locked --test cli -- documents_the_reference

# Draw the README's pictures again
picture:
    packaging/picture

# Build and test the tarball and the Debian package
package:
    packaging/build
    packaging/test
