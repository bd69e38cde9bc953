/* SPDX-License-Identifier: MIT */
/*
 * keys.h - every key of the configuration, one line each
 *
 * Included several times, each time with other meanings of the two macros, to
 * give the key numbers, the parse table, the defaults and the checks of the
 * manual. Hence no include guard.
 *
 *   RB_KEY(section, name, type, field, min, max, default, reload, text)
 *   RB_BLOCK(section, name, text)
 *
 * `type` is an enum rb_type without its prefix and decides how a value reads
 * and which C type `field` has; min, max and default are in the unit of the
 * field (bytes, nanoseconds, or the number of a choice). A default that is out
 * of range means none: the key has to be given. A block holds keys of its own.
 * `reload` is an enum rb_reload without its prefix: what a change of the key
 * takes while the daemon runs.
 * A new key is a line here, a field, and a line in docs/man/ringbus.yaml.5.scd, with
 * what else there is to say; the manual is not made without.
 */
/* clang-format off */
RB_BLOCK(TOP, daemon, "the daemon itself")
RB_BLOCK(TOP, dynamic, "what clients may create by request")
RB_BLOCK(TOP, defaults, "channel keys for all channels that don't say")
RB_BLOCK(TOP, channels, "the channels, by name")

RB_KEY(DAEMON, socket, PATH, socket, 0, 0, 0, RESTART,
       "the control socket, an absolute path")
RB_KEY(DAEMON, shm_dir, PATH, shm_dir, 0, 0, 0, RESTART,
       "the directory of the segments, an absolute path")
RB_KEY(DAEMON, drain, DURATION, drain_ns,
       0, RB_HOUR_NS, 2 * RB_SECOND_NS, LIVE,
       "how long a clean stop waits for members")
RB_KEY(DAEMON, max_clients, COUNT, max_clients, 1, 65536, 1024, LIVE,
       "connections at one time")
RB_KEY(DAEMON, max_clients_per_user, COUNT, max_clients_per_user,
       0, 65536, 0, LIVE,
       "connections of one user; 0 for a quarter of all")
RB_KEY(DAEMON, max_members_per_user, COUNT, max_members_per_user,
       1, RB_CHANNELS_MAX * (RB_PRODUCERS_MAX + RB_CONSUMERS_MAX), 1024, LIVE,
       "producers and consumers of one user, over all channels")
RB_KEY(DAEMON, admin, ACCESS, admin, 0, 0, 0, LIVE,
       "who may have the configuration read anew; root and the daemon's user")

RB_KEY(DYNAMIC, allow, ACCESS, allow, 0, 0, 0, LIVE,
       "who may create channels; nobody if absent")
RB_KEY(DYNAMIC, max_channels, COUNT, max_channels, 1, RB_CHANNELS_MAX, 16, LIVE,
       "channels that clients may have created at one time")
RB_KEY(DYNAMIC, max_size, SIZE, max_bytes, 1, RB_RING_SIZE_MAX, 256 << 20, LIVE,
       "bytes of all channels that clients created")
RB_KEY(DYNAMIC, max_channels_per_user, COUNT, max_channels_per_user,
       0, RB_CHANNELS_MAX, 0, LIVE,
       "channels that one user may have created; 0 for half of all")
RB_KEY(DYNAMIC, max_size_per_user, SIZE, max_bytes_per_user,
       0, RB_RING_SIZE_MAX, 0, LIVE,
       "bytes of the channels of one user; 0 for half of all")

RB_KEY(CHANNEL, slots, POWER, channel.slots,
       RB_SLOTS_MIN, RB_SLOTS_MAX, 65536, GENERATION,
       "slots of the ring, a power of two")
RB_KEY(CHANNEL, framing, FRAMING, channel.framing,
       0, 1, RB_CONFIG_FIXED, GENERATION,
       "one event per slot, or a length in front of each event")
RB_KEY(CHANNEL, event_size, SIZE, event_size,
       RB_SLOT_SIZE_MIN, RB_SLOT_SIZE_MAX, 64, GENERATION,
       "bytes of one event, with framing: fixed")
RB_KEY(CHANNEL, slot_size, POWER_SIZE, frame_size,
       RB_FRAME_SLOT_SIZE_MIN, RB_SLOT_SIZE_MAX, 64, GENERATION,
       "bytes of one slot, a power of two, with framing: framed")
RB_KEY(CHANNEL, producers, PRODUCERS, channel.producers,
       0, 1, RB_CONFIG_SINGLE, GENERATION,
       "one producer at a time, or many")
RB_KEY(CHANNEL, history, NUMBER, channel.history,
       0, RB_SLOTS_MAX / 2, 0, GENERATION,
       "slots kept for late joiners, at most half of all")
RB_KEY(CHANNEL, wait, WAIT, channel.wait,
       0, 4, RB_CONFIG_BLOCKING, LIVE,
       "how members wait that don't choose")
RB_KEY(CHANNEL, clear, CLEAR, channel.clear,
       0, 1, RB_CONFIG_CLEAR_NONE, GENERATION,
       "what becomes of slots that everybody has read")
RB_KEY(CHANNEL, isolation, ISOLATION, channel.isolation,
       0, 1, RB_CONFIG_NAMED, GENERATION,
       "named files in /dev/shm, or sealed memory that nobody can truncate")
RB_KEY(CHANNEL, latency, BOOL, channel.latency, 0, 1, 0, GENERATION,
       "measure how long events take from publish to commit")
RB_KEY(CHANNEL, strict, BOOL, channel.strict, 0, 1, 0, GENERATION,
       "what dies with its producer stops the stream, instead of a gap")
RB_KEY(CHANNEL, stuck, STUCK, channel.stuck,
       0, 1, RB_CONFIG_STUCK_WAIT, LIVE,
       "what is done about a producer that claims and does not publish")
RB_KEY(CHANNEL, stuck_after, DURATION, channel.stuck_after_ns,
       RB_SECOND_NS / 1000, 24 * RB_HOUR_NS, 5 * RB_SECOND_NS, LIVE,
       "how long it may hold up what others have published behind it")
RB_KEY(CHANNEL, fill, HEX, fill, 0, 0, 0, GENERATION,
       "what new slots are filled with, 1 to 64 bytes as hex digits")
RB_KEY(CHANNEL, type, NAME, channel.type, 0, 0, 0, GENERATION,
       "what the events are; members that say otherwise are refused")
RB_KEY(CHANNEL, version, COUNT, channel.version, 0, UINT32_MAX, 0, GENERATION,
       "the version of that type")
RB_KEY(CHANNEL, max_producers, COUNT, channel.max_producers,
       1, RB_PRODUCERS_MAX, RB_PRODUCERS_MAX, GENERATION,
       "producers attached at one time")
RB_KEY(CHANNEL, max_consumers, COUNT, channel.max_consumers,
       1, RB_CONSUMERS_MAX, RB_CONSUMERS_MAX, GENERATION,
       "consumers, the declared ones included")
RB_KEY(CHANNEL, max_members_per_user, COUNT, channel.max_members_per_user,
       0, RB_PRODUCERS_MAX + RB_CONSUMERS_MAX, 0, LIVE,
       "producers and consumers of one user; 0 for no limit of its own")
RB_KEY(CHANNEL, prefault, BOOL, channel.prefault, 0, 1, 1, LIVE,
       "touch every page at creation")
RB_KEY(CHANNEL, lock, BOOL, channel.lock, 0, 1, 0, LIVE,
       "lock the segments into memory")
RB_KEY(CHANNEL, huge_pages, BOOL, channel.huge_pages, 0, 1, 0, LIVE,
       "ask for transparent huge pages")
RB_KEY(CHANNEL, numa_node, LIST, channel.numa_node, 0, 1, 0, LIVE,
       "the NUMA node that the memory should be on")
RB_KEY(CHANNEL, cpus, LIST, channel.cpus, 0, RB_CPUS_MAX, 0, LIVE,
       "the CPUs for who works on it, such as 2-5,8")
RB_BLOCK(CHANNEL, access, "who may publish, consume, tap and administer")
RB_BLOCK(CHANNEL, consumers, "the consumers known beforehand, by name")
RB_BLOCK(CHANNEL, journal, "how ringbus-journal writes it to a disk")
RB_BLOCK(CHANNEL, bridge, "how ringbus-bridge takes it to NATS, or from there")

RB_KEY(ACCESS, publish, ACCESS, publish, 0, 0, 0, LIVE,
       "who may publish; everyone if absent")
RB_KEY(ACCESS, consume, ACCESS, consume, 0, 0, 0, LIVE,
       "who may consume; everyone if absent")
RB_KEY(ACCESS, tap, ACCESS, tap, 0, 0, 0, LIVE,
       "who may read along; everyone if absent")
RB_KEY(ACCESS, admin, ACCESS, admin, 0, 0, 0, LIVE,
       "who may end and mend the stream; who may publish if absent")

RB_BLOCK(DYNAMIC, access, "who may do what with channels of clients")

RB_KEY(DYNAMIC_ACCESS, publish, OWN_ACCESS, publish, 0, 0, 0, LIVE,
       "who may publish; everyone if absent")
RB_KEY(DYNAMIC_ACCESS, consume, OWN_ACCESS, consume, 0, 0, 0, LIVE,
       "who may consume; everyone if absent")
RB_KEY(DYNAMIC_ACCESS, tap, OWN_ACCESS, tap, 0, 0, 0, LIVE,
       "who may read along; everyone if absent")
RB_KEY(DYNAMIC_ACCESS, admin, OWN_ACCESS, admin, 0, 0, 0, LIVE,
       "who may end, mend, remove; creator and producers if absent")

RB_BLOCK(CONSUMER, after, "the consumers that must be done first")
RB_KEY(CONSUMER, on_death, ON_DEATH, on_death,
       0, 1, RB_CONFIG_RELEASE, LIVE,
       "what becomes of the gate when the process dies")
RB_KEY(CONSUMER, keep_for, DURATION, keep_for_ns,
       0, 365 * 24 * RB_HOUR_NS, 0, LIVE,
       "how long the gate of a dead consumer is kept; 0 for ever")
RB_KEY(CONSUMER, slow, SLOW, slow,
       0, 3, RB_CONFIG_GATE, LIVE,
       "what is done about it when it is too slow")
RB_KEY(CONSUMER, max_lag, NUMBER, max_lag, 0, RB_SLOTS_MAX, 0, LIVE,
       "slots behind which it is too slow; 0 for no limit")
RB_KEY(CONSUMER, max_stall, DURATION, max_stall_ns,
       0, 365 * 24 * RB_HOUR_NS, 0, LIVE,
       "time without progress after which it is too slow; 0 for no limit")
RB_KEY(CONSUMER, group, BOOL, group, 0, 1, 0, GENERATION,
       "all who open this name share its events")
RB_BLOCK(CONSUMER, key, "the bytes by which a group keeps events in order")

RB_KEY(KEY, offset, SIZE, key_offset, 0, RB_SLOT_SIZE_MAX, 0, GENERATION,
       "where in the event the key begins")
RB_KEY(KEY, size, SIZE, key_size, 1, 256, 0, GENERATION,
       "bytes of the key")

RB_KEY(JOURNAL, dir, FILE, dir, 0, 0, 0, LIVE,
       "the folder of its files")
RB_KEY(JOURNAL, consumer, NAME, consumer, 0, 0, 0, LIVE,
       "the consumer as which it reads")
RB_KEY(JOURNAL, sync, SYNC, sync, 0, 2, RB_CONFIG_SYNC_ALWAYS, LIVE,
       "what an event has to have reached before it counts as written")
RB_KEY(JOURNAL, sync_interval, DURATION, sync_interval_ns,
       RB_SECOND_NS / 10000, RB_HOUR_NS, RB_SECOND_NS / 200, LIVE,
       "how often the disk is asked, with sync: interval")
RB_KEY(JOURNAL, segment_size, SIZE, segment_bytes,
       1 << 20, UINT64_C(1) << 40, 256 << 20, LIVE,
       "bytes of one file")
RB_KEY(JOURNAL, retain_size, SIZE, retain_bytes,
       0, INT64_MAX, 0, LIVE,
       "bytes beyond which the oldest files go; 0 for no limit")
RB_KEY(JOURNAL, retain_for, DURATION, retain_ns,
       0, 36500 * 24 * RB_HOUR_NS, 0, LIVE,
       "the age at which files go; 0 for no limit")
RB_KEY(JOURNAL, on_full, ON_FULL, on_full,
       0, 1, RB_CONFIG_FULL_STALL, LIVE,
       "what is done when the disk is full")
RB_KEY(JOURNAL, direct, BOOL, direct, 0, 1, 1, LIVE,
       "write past the page cache where the file system can")
RB_KEY(JOURNAL, io, IO, io, 0, 2, RB_CONFIG_IO_AUTO, LIVE,
       "by which system calls it writes")

RB_KEY(BRIDGE, direction, DIRECTION, direction,
       0, 1, RB_CONFIG_EXPORT, LIVE,
       "from the channel to the stream, or from the stream to the channel")
RB_KEY(BRIDGE, servers, SERVERS, servers, 0, 0, 0, LIVE,
       "the NATS servers, one URL or a list")
RB_KEY(BRIDGE, stream, STREAM, stream, 0, 0, 0, LIVE,
       "the JetStream stream")
RB_KEY(BRIDGE, subject, SUBJECT, subject, 0, 0, 0, LIVE,
       "the subject of its messages")
RB_KEY(BRIDGE, consumer, NAME, consumer, 0, 0, 0, LIVE,
       "the consumer as which an exporting bridge reads")
RB_KEY(BRIDGE, max_events, COUNT, max_events, 1, 65536, 1024, LIVE,
       "events in one message")
RB_KEY(BRIDGE, max_bytes, SIZE, max_bytes,
       1 << 10, 64 << 20, 64 << 10, LIVE,
       "bytes of events in one message, of more than one")
RB_KEY(BRIDGE, linger, DURATION, linger_ns,
       0, 10 * RB_SECOND_NS, RB_SECOND_NS / 5000, LIVE,
       "how long a message that is not full waits for more events")
RB_KEY(BRIDGE, window, COUNT, window, 1, 65536, 256, LIVE,
       "messages that are under way at one time")
RB_KEY(BRIDGE, manage_stream, BOOL, manage_stream, 0, 1, 1, LIVE,
       "make the stream if it is not there")
RB_KEY(BRIDGE, replicas, COUNT, replicas, 1, 5, 1, LIVE,
       "servers that keep the stream, where the bridge makes it")
RB_KEY(BRIDGE, duplicates, DURATION, duplicates_ns,
       RB_SECOND_NS / 10, 365 * 24 * RB_HOUR_NS, 30 * RB_SECOND_NS, LIVE,
       "how long the stream knows a message again, where the bridge makes it")
RB_KEY(BRIDGE, stream_size, SIZE, stream_bytes, 0, INT64_MAX, 0, LIVE,
       "bytes that the stream keeps, where the bridge makes it; 0 for no limit")
RB_KEY(BRIDGE, stream_age, DURATION, stream_age_ns,
       0, 36500 * 24 * RB_HOUR_NS, 0, LIVE,
       "how long the stream keeps them, where the bridge makes it; 0 for ever")
RB_KEY(BRIDGE, start, START, start, 0, 1, RB_CONFIG_OLDEST, LIVE,
       "where an importing bridge begins that has no state yet")
RB_KEY(BRIDGE, state, FILE, state, 0, 0, 0, LIVE,
       "the file in which an importing bridge keeps its place")
RB_KEY(BRIDGE, credentials, FILE, credentials, 0, 0, 0, LIVE,
       "the file with JWT and seed, as of nsc")
RB_KEY(BRIDGE, nkey, FILE, nkey, 0, 0, 0, LIVE,
       "the file with the seed of an nkey")
RB_KEY(BRIDGE, ca, FILE, ca, 0, 0, 0, LIVE,
       "the certificates that may vouch for the server, a PEM file")
RB_KEY(BRIDGE, certificate, FILE, certificate, 0, 0, 0, LIVE,
       "the certificate that is shown to the server, a PEM file")
RB_KEY(BRIDGE, key, FILE, key, 0, 0, 0, LIVE,
       "the private key of that certificate, a PEM file")
RB_KEY(BRIDGE, tls, BOOL, tls, 0, 1, 0, LIVE,
       "take TLS whatever the URLs say")
RB_KEY(BRIDGE, tls_name, HOST, tls_name, 0, 0, 0, LIVE,
       "the name that the server's certificate has to have")
/* clang-format on */
#undef RB_KEY
#undef RB_BLOCK
