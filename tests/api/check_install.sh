#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check_install.sh - what `make install` puts down, and that `uninstall` takes it away
#
# Programs are built against it by pkg-config and by CMake, after it was moved. Reports
# as check does.

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/checks.sh
. tests/checks.sh

build=${BUILD:-build/release}
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# In tenths: what a unit has for a reason that it says.
declare -A exposures=([ringbus-bridge@.service]=13 [ringbus-journal@.service]=4)

# Below /usr, as then the programs are those that are there already.
run_make() {
	make --no-print-directory "$@" BUILD="$build" DESTDIR="$work/root" PREFIX=/usr \
		LIBDIR=/usr/lib/some-triplet UNITDIR=/usr/lib/systemd/system \
		USERUNITDIR=/usr/lib/systemd/user >"$work/log" 2>&1 ||
		{ cat "$work/log"; return 1; }
}

has_all() {
	local file missing=0

	while read -r file; do
		[[ -e $work/root/$file ]] && continue
		echo "missing: $file"
		missing=1
	done <<'LIST'
etc/ringbus/ringbus.yaml
usr/bin/ringbusctl
usr/include/ringbus.h
usr/lib/some-triplet/cmake/ringbus/ringbus-config-version.cmake
usr/lib/some-triplet/cmake/ringbus/ringbus-config.cmake
usr/lib/some-triplet/libringbus.a
usr/lib/some-triplet/libringbus.so
usr/lib/some-triplet/libringbus.so.0
usr/lib/some-triplet/pkgconfig/ringbus.pc
usr/lib/systemd/system/ringbusd.service
usr/lib/systemd/system/ringbusd.socket
usr/lib/systemd/system/ringbusd@.service
usr/lib/systemd/system/ringbusd@.socket
usr/lib/systemd/user/ringbusd.service
usr/lib/sysusers.d/ringbusd.conf
usr/lib/tmpfiles.d/ringbusd.conf
usr/sbin/ringbusd
usr/share/bash-completion/completions/ringbusctl
usr/share/doc/ringbus/examples/low-latency.conf
usr/share/fish/vendor_completions.d/ringbusctl.fish
usr/share/ringbus/ringbus.schema.json
usr/share/zsh/vendor-completions/_ringbusctl
LIST
	((missing == 0))
}

# Units, users and recipes of a program that was built, and of no other.
follows_program() {
	local name=$1 n=6

	[[ -x $build/ringbus-$name ]] || n=0
	(cd "$work/root/usr" && ls bin/"ringbus-$name" \
		lib/systemd/{system,user}/"ringbus-$name@.service" \
		lib/sysusers.d/"ringbus-$name.conf" share/man/man8/"ringbus-$name.8" \
		share/doc/ringbus/examples/"$name"-*.conf) >"$work/log" 2>/dev/null
	(($(wc -l <"$work/log") == n)) || { cat "$work/log"; return 1; }
}

# What stands so in the catalog is for the journal to fill in.
is_filled_in() {
	! grep -rIl --exclude='*.catalog' '@[A-Z_]*@' "$work/root"
}

# One name for all that a unit has by itself.
is_instance() {
	! grep -nE '(/|=)ringbus(/control\.sock|$)|ringbusd\.socket' \
		"$work/root/usr/lib/systemd/system/ringbusd@."* |
		grep -v -e 'User=' -e 'Group=' -e Documentation -e ':[0-9]*:#'
}

is_hardened() {
	local line unit=$work/root/usr/lib/systemd/system/$1 bound=${exposures[$1]:-7}

	# It looks whether the programs are there.
	sed "s|=/usr/|=$work/moved/usr/|" "$unit" >"$work/$1"
	systemd-analyze security --offline=true --no-pager \
		--threshold="$bound" "$work/$1" >"$work/log" 2>&1 ||
		{ grep -v ✓ "$work/log"; return 1; }
	line=$(grep -o 'exposure level for [^ ]*: [0-9.]*' "$work/log")
	echo "| $line"
}

builds_by_pkg_config() {
	local flags

	flags=$(PKG_CONFIG_LIBDIR=$work/moved/usr/lib/some-triplet/pkgconfig \
		pkg-config --define-variable="prefix=$work/moved/usr" --cflags --libs \
		ringbus) || return
	# Words.
	# shellcheck disable=SC2086
	"$cc" -o "$work/hello" examples/hello_publish.c -I. $flags &&
		LD_LIBRARY_PATH=$work/moved/usr/lib/some-triplet \
			ldd "$work/hello" | grep -q "$work/moved.*libringbus.so.0"
}

builds_by_cmake() {
	mkdir -p "$work/cmake" && cat >"$work/cmake/CMakeLists.txt" <<LIST
cmake_minimum_required(VERSION 3.18)
project(hello C)
find_package(ringbus 0.1 REQUIRED)
foreach(kind ringbus static)
	add_executable(hello_\${kind} $PWD/examples/hello_publish.c)
	target_link_libraries(hello_\${kind} ringbus::\${kind})
	target_include_directories(hello_\${kind} PRIVATE $PWD)
endforeach()
find_package(ringbus 99 QUIET)
if(ringbus_FOUND)
	message(FATAL_ERROR "found a version that is not there")
endif()
LIST
	{ CC=$cc cmake -S "$work/cmake" -B "$work/cmake/build" \
		-Dringbus_DIR="$work/moved/usr/lib/some-triplet/cmake/ringbus" &&
		cmake --build "$work/cmake/build"; } >"$work/log" 2>&1 ||
		{ tail -n 20 "$work/log"; return 1; }
	ldd "$work/cmake/build/hello_ringbus" | grep -q "$work/moved.*libringbus.so.0" &&
		! ldd "$work/cmake/build/hello_static" | grep -q libringbus
}

leaves_only_the_configuration() {
	[[ $(cd "$work/root" && find . ! -type d) == ./etc/ringbus/ringbus.yaml &&
		-z $(find "$work/root" -type d -name '*ringbus*' ! -path '*/etc/*') ]]
}

keeps_what_was_edited() {
	[[ $(cat "$work/root/etc/ringbus/ringbus.yaml") == '# mine' ]]
}

case $build in
*asan | *tsan | *ubsan)
	skip check_install "programs of others do not link with a sanitizer"
	report
	exit
	;;
esac

ok "install" run_make install
ok "all of it is there" has_all
ok "what goes with ringbus-journal" follows_program journal
ok "what goes with ringbus-bridge" follows_program bridge
ok "nothing is left to fill in" is_filled_in
ok "an instance has nothing of the system's bus" is_instance
cp -a "$work/root" "$work/moved"
if command -v systemd-analyze >/dev/null; then
	for unit in "$work"/root/usr/lib/systemd/system/*.service; do
		ok "exposure of ${unit##*/}" is_hardened "${unit##*/}"
	done
else
	skip exposure "systemd is missing"
fi
ok "a program by pkg-config" builds_by_pkg_config
if command -v cmake >/dev/null; then
	ok "programs by CMake" builds_by_cmake
else
	skip builds_by_cmake "cmake is missing"
fi
echo '# mine' >"$work/root/etc/ringbus/ringbus.yaml"
ok "install again" run_make install
ok "a configuration that was edited stays" keeps_what_was_edited
ok "uninstall" run_make uninstall
ok "uninstall leaves the configuration alone" leaves_only_the_configuration
report
