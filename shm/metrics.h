/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - every number that tells how a channel fares, one line each
 *
 * Included several times, each time with other meanings of the four macros, to
 * give the words in shared memory (layout.h), the library's table and what reads
 * it (client/metrics.c), and the check of docs/metrics.md. Hence no include
 * guard; a macro that is not defined means nothing.
 *
 *   RB_DERIVED(scope, how, name, kind, unit, text)
 *   RB_WORD(scope, word, name, kind, unit, text)
 *   RB_WAIT_WORD(word, producer_name, consumer_name, unit, text)
 *   RB_IO_WORD(word, producer_name, consumer_name, kind, unit, text)
 *
 * `scope` is whom the number is of: CHANNEL, PRODUCER or CONSUMER. A word has
 * one writer: the daemon, the producer or the consumer, and lies in a line that
 * is his. The words of a wait are both of producers and of consumers, and so are
 * those of io, which only who has told some has (client/io.c). What is
 * derived is computed from other words when somebody looks, by the function
 * derive_SCOPE_HOW() of client/metrics.c. `kind` is COUNTER, which only grows
 * while its owner stays, or GAUGE. `name` is as it is exposed, the unit in it; a
 * word in nanoseconds has the unit `seconds`. A new metric is a line here, what
 * counts it, and a line in docs/metrics.md; a test insists on the last.
 */
#ifndef RB_DERIVED
#define RB_DERIVED(scope, how, name, kind, unit, text)
#endif
#ifndef RB_WORD
#define RB_WORD(scope, word, name, kind, unit, text)
#endif
#ifndef RB_WAIT_WORD
#define RB_WAIT_WORD(word, producer_name, consumer_name, unit, text)
#endif
#ifndef RB_IO_WORD
#define RB_IO_WORD(word, producer_name, consumer_name, kind, unit, text)
#endif
/* clang-format off */
RB_DERIVED(CHANNEL, cursor, "ringbus_channel_cursor", GAUGE, "",
	   "highest sequence published; of several producers the highest "
	   "claimed")
RB_DERIVED(CHANNEL, published, "ringbus_channel_published_total", COUNTER, "",
	   "slots published; of several producers those claimed")
RB_DERIVED(CHANNEL, published_bytes, "ringbus_channel_published_bytes_total",
	   COUNTER, "bytes", "bytes of those slots")
RB_DERIVED(CHANNEL, capacity, "ringbus_channel_capacity_slots", GAUGE, "slots",
	   "slots that may be published and not yet read")
RB_DERIVED(CHANNEL, remaining, "ringbus_channel_remaining_slots", GAUGE,
	   "slots", "slots that producers could claim now")
RB_DERIVED(CHANNEL, used, "ringbus_channel_used_ratio", GAUGE, "ratio",
	   "part of the capacity that is in use; 1 where producers wait")
RB_DERIVED(CHANNEL, memory, "ringbus_channel_memory_bytes", GAUGE, "bytes",
	   "shared memory of the channel")
RB_DERIVED(CHANNEL, ended, "ringbus_channel_ended", GAUGE, "",
	   "1 once the stream has ended")
RB_DERIVED(CHANNEL, damaged, "ringbus_channel_damaged", GAUGE, "",
	   "1 if a client has truncated a file of the channel")
RB_DERIVED(CHANNEL, broken, "ringbus_channel_broken", GAUGE, "",
	   "1 if a strict channel has stopped after a death")
RB_DERIVED(CHANNEL, paused, "ringbus_channel_paused", GAUGE, "",
	   "1 while an operator holds the producers")
RB_DERIVED(CHANNEL, hole, "ringbus_channel_hole_sequence", GAUGE, "",
	   "first sequence that is claimed and not published; -1 if there is "
	   "none, or one producer only")
RB_DERIVED(CHANNEL, producers, "ringbus_producers_attached", GAUGE, "",
	   "producers that are attached")
RB_DERIVED(CHANNEL, consumers, "ringbus_consumers_attached", GAUGE, "",
	   "consumers that are attached, workers of groups included")
RB_WORD(CHANNEL, attaches, "ringbus_attach_total", COUNTER, "",
	"times a member has come")
RB_WORD(CHANNEL, detaches, "ringbus_detach_total", COUNTER, "",
	"times a member has left, deaths included")
RB_WORD(CHANNEL, deaths, "ringbus_deaths_total", COUNTER, "",
	"times a member left by the death of its process")
RB_WORD(CHANNEL, evictions, "ringbus_evictions_total", COUNTER, "",
	"consumers thrown out, or whose kept place was taken away, for being "
	"too slow or by an operator")
RB_WORD(CHANNEL, parks, "ringbus_parks_total", COUNTER, "",
	"times a consumer was parked for being too slow")
RB_WORD(CHANNEL, kills, "ringbus_stuck_kills_total", COUNTER, "",
	"producers killed for being stuck")
RB_WORD(CHANNEL, repairs, "ringbus_repairs_total", COUNTER, "",
	"producers that died with a claim open, and were mended after")
RB_WORD(CHANNEL, tombstones, "ringbus_tombstones_total", COUNTER, "",
	"slots of those claims: nobody's for good")
RB_WORD(CHANNEL, reloads, "ringbus_channel_reloads_total", COUNTER, "",
	"reloads of the configuration that the channel has gone through")

RB_DERIVED(PRODUCER, claimed, "ringbus_producer_claimed_slots_total", COUNTER,
	   "slots", "slots claimed, and by now published or given up")
RB_DERIVED(PRODUCER, published, "ringbus_producer_published_total", COUNTER,
	   "", "slots published")
RB_DERIVED(PRODUCER, outstanding, "ringbus_producer_claims_outstanding", GAUGE,
	   "", "1 while a claim is not published; of several producers only")
RB_WORD(PRODUCER, full, "ringbus_producer_full_total", COUNTER, "",
	"claims that found no room")
RB_WORD(PRODUCER, dropped, "ringbus_producer_dropped_slots_total", COUNTER,
	"slots", "slots not published because the ring was full")
RB_WORD(PRODUCER, abandoned, "ringbus_producer_abandoned_slots_total", COUNTER,
	"slots", "slots claimed and given up")
RB_WORD(PRODUCER, wakes, "ringbus_producer_wakes_total", COUNTER, "",
	"times it woke others by a system call")

RB_DERIVED(CONSUMER, sequence, "ringbus_consumer_sequence", GAUGE, "",
	   "highest sequence committed")
RB_DERIVED(CONSUMER, lag, "ringbus_consumer_lag_slots", GAUGE, "slots",
	   "slots published and not yet committed")
RB_DERIVED(CONSUMER, lag_seconds, "ringbus_consumer_lag_seconds", GAUGE,
	   "seconds", "age of the next event that it has to read, 0 if that is not "
	   "published; only with latency: true")
RB_WORD(CONSUMER, lag_max, "ringbus_consumer_lag_max_slots", GAUGE, "slots",
	"most slots that it found before it at a look")
RB_DERIVED(CONSUMER, gating, "ringbus_consumer_gating", GAUGE, "",
	   "1 if nobody that producers wait for is further behind")
RB_DERIVED(CONSUMER, attached, "ringbus_consumer_attached", GAUGE, "",
	   "1 if its process is there; 0 if its place is kept or declared")
RB_WORD(CONSUMER, batches, "ringbus_consumer_batches_total", COUNTER, "",
	"commits that moved it on; of a worker events done")
RB_WORD(CONSUMER, lost, "ringbus_consumer_lost_slots_total", COUNTER, "slots",
	"slots overwritten before it read them")
RB_WORD(CONSUMER, overruns, "ringbus_consumer_overruns_total", COUNTER, "",
	"commits behind which slots were lost")
RB_WORD(CONSUMER, errors, "ringbus_consumer_errors_total", COUNTER, "",
	"times its handler failed")
RB_WORD(CONSUMER, wakes, "ringbus_consumer_wakes_total", COUNTER, "",
	"times it woke others by a system call")

RB_WAIT_WORD(waits, "ringbus_producer_waits_total",
	     "ringbus_consumer_waits_total", "",
	     "waits that outlasted their first spins")
RB_WAIT_WORD(waited_ns, "ringbus_producer_stall_seconds_total",
	     "ringbus_consumer_wait_seconds_total", "seconds",
	     "time in those waits, without the first spins")
RB_WAIT_WORD(sleeps, "ringbus_producer_sleeps_total",
	     "ringbus_consumer_sleeps_total", "",
	     "times it slept")
RB_WAIT_WORD(woken, "ringbus_producer_wakeups_total",
	     "ringbus_consumer_wakeups_total", "",
	     "sleeps that a wake-up ended")
RB_WAIT_WORD(spurious, "ringbus_producer_wakeups_spurious_total",
	     "ringbus_consumer_wakeups_spurious_total", "",
	     "wake-ups after which it had to wait on")
RB_WAIT_WORD(missed, "ringbus_producer_wakeups_missed_total",
	     "ringbus_consumer_wakeups_missed_total", "",
	     "sleeps that no wake-up ended although what it waited for came")

RB_IO_WORD(bytes, "ringbus_producer_io_bytes_total",
	   "ringbus_consumer_io_bytes_total", COUNTER, "bytes",
	   "bytes that it has moved to or from a disk, a network")
RB_IO_WORD(batches, "ringbus_producer_io_batches_total",
	   "ringbus_consumer_io_batches_total", COUNTER, "",
	   "batches in which it has")
RB_IO_WORD(errors, "ringbus_producer_io_errors_total",
	   "ringbus_consumer_io_errors_total", COUNTER, "",
	   "times that failed")
RB_IO_WORD(retries, "ringbus_producer_io_retries_total",
	   "ringbus_consumer_io_retries_total", COUNTER, "",
	   "times it tried again")
RB_IO_WORD(lag, "ringbus_producer_io_lag_slots",
	   "ringbus_consumer_io_lag_slots", GAUGE, "slots",
	   "slots that are here and not yet safe there, or there and not yet "
	   "here")
RB_IO_WORD(up, "ringbus_producer_io_up", "ringbus_consumer_io_up", GAUGE, "",
	   "1 while it reaches the disk or network, 0 also once its process is "
	   "gone")
/* clang-format on */
#undef RB_DERIVED
#undef RB_WORD
#undef RB_WAIT_WORD
#undef RB_IO_WORD
