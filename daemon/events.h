/* SPDX-License-Identifier: MIT */
/*
 * events.h - every kind of event, one line each
 *
 * Included for what RB_EVENT is defined as there: kind, name, and the MESSAGE_ID by
 * which the journal and systemd/ringbus.catalog know it. Hence no include guard.
 * Ids never change; a new kind needs a new one (`journalctl --new-id128`) and an
 * entry in the catalog, on which a test insists.
 */
/* clang-format off */
RB_EVENT(START, "start",
	 "b0d38e32440f51b9bbde58c342e40567")
RB_EVENT(STOP, "stop",
	 "3870616d848b524d98641d1b487f82ec")
RB_EVENT(RELOAD, "reload",
	 "422d868a061355e0a3038099748fb940")
RB_EVENT(RELOAD_REFUSED, "reload-refused",
	 "a84d2941428a5dfdb0e1be8d447bae25")
RB_EVENT(ADOPT, "adopt",
	 "91b526ee56c05f01beee0f36baa33977")
RB_EVENT(REFUSE, "refuse",
	 "92a7935dfbfb5b8a84fa3b05c7638695")
RB_EVENT(CREATE, "create",
	 "1717b75da2415933bcc72261961d5f90")
RB_EVENT(REMOVE, "remove",
	 "d575847eaa3953aa974b565a4649b9b2")
RB_EVENT(END, "end",
	 "77d406bc108d508c8a481f19118f32bf")
RB_EVENT(ABORT, "abort",
	 "96ee5f5a0be25ab191c730f98a18357c")
RB_EVENT(PAUSE, "pause",
	 "704426ed968f5365904a432b15c18271")
RB_EVENT(RESUME, "resume",
	 "b4fd0af5110c53a69961e0c6ef7b0833")
RB_EVENT(MEND, "mend",
	 "0d9a01de74f25691a296d514c78505d8")
RB_EVENT(DAMAGE, "damage",
	 "af944f7a54ba5f8bb1ce3e273e9b679d")
RB_EVENT(STOPPED, "stopped",
	 "fe09a9060ad4558bbb0b4563531ce775")
RB_EVENT(ATTACH, "attach",
	 "16a1ff7af52054b5b777482825b56eec")
RB_EVENT(DETACH, "detach",
	 "ed4b167265545f4f9e6025e51441b0b9")
RB_EVENT(DEATH, "death",
	 "537690f1827e5cf9a7811cc3d5368e55")
RB_EVENT(REPAIR, "repair",
	 "a0aeedb52cde569783418d857c530330")
RB_EVENT(KILL, "kill",
	 "caf26073385353ad85b4bce20f2532ab")
RB_EVENT(EVICT, "evict",
	 "4803b0351b8c54dd98e381b622c277dc")
RB_EVENT(PARK, "park",
	 "fd211626ebdd59d5a828036d3129eada")
RB_EVENT(UNPARK, "unpark",
	 "ca3c59ea7cae5332bbb4ee7a86deb16a")
RB_EVENT(KEEP, "keep",
	 "b989f2bfa7d85eff858cfccddca0dd7c")
RB_EVENT(EXPIRE, "expire",
	 "779d16e04bd15aaaa7ff77a4b5b00eae")
RB_EVENT(MOVE, "move",
	 "b251d7bdbff652b692de5bc2eca707ca")
/* clang-format on */
#undef RB_EVENT
