# SPDX-License-Identifier: MIT
# instance.sed - what makes ringbusd@.* out of ringbusd.*
#
# ringbusd@test reads test.yaml beside ringbus.yaml, and has a socket and a folder
# of its own.
s|^\(Description=ringbus.*\)$|\1 (%i)|
s|^ExecStart=.*|& --config @SYSCONFDIR@/ringbus/%i.yaml --socket /run/ringbus/%i/control.sock --shm-dir /dev/shm/ringbus-%i|
s|^\(RuntimeDirectory=ringbus\)$|\1/%i|
/^Exec/!s|/run/ringbus/control.sock|/run/ringbus/%i/control.sock|
/^ExecReload/s|/run/ringbus/control.sock|/run/ringbus/%i/control.sock|
s|ringbusd\.socket|ringbusd@%i.socket|
s|/dev/shm/ringbus$|/dev/shm/ringbus-%i|
