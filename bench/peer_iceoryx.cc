/* SPDX-License-Identifier: MIT */
/*
 * peer_iceoryx.cc - iceoryx: chunks of shared memory, loaned, published, taken
 *
 * A queue of 256, as deep as they come; a publisher at a full one waits. Who
 * spins polls its subscriber, who sleeps does so in a WaitSet.
 *
 * The chunks are those of a daemon, RouDi, whose names are the same for all of a
 * machine. Here it is a private one: with a /dev/shm and a /tmp of its own, which
 * the sides enter and which are gone with it, so that it may be killed.
 */
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <memory>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/peer_lane.h"

extern "C" {
#include "bench/setup.h"
}

namespace
{

/* ----------------------------------------------------------- the daemon */

const char config[] = R"(
[general]
version = 1
[[segment]]
[[segment.mempool]]
size = 64
count = 1024
[[segment.mempool]]
size = 1024
count = 1024
[[segment.mempool]]
size = 4096
count = 1024
)";

const char script[] = R"(
	mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /tmp || exit
	printf %s "$1" >/tmp/roudi.toml
	exec iox-roudi --config-file /tmp/roudi.toml --monitoring-mode off
)";

const char ready[] = "RouDi is ready for clients";

pid_t roudi;
int roudi_output;

[[noreturn]] void
execute_roudi(int output)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	if (geteuid() == 0)
		execlp("unshare", "unshare", "--mount", "sh", "-c", script,
		       "sh", config, static_cast<char *>(nullptr));
	else
		execlp("unshare", "unshare", "--mount", "--map-root-user", "sh",
		       "-c", script, "sh", config,
		       static_cast<char *>(nullptr));
	_exit(127);
}

void
stop_roudi()
{
	kill(roudi, SIGKILL);
	waitpid(roudi, nullptr, 0);
	close(roudi_output);
}

/* Whether it is ready, or else gone. */
bool
await_roudi()
{
	std::string said;
	char text[512];
	ssize_t n;

	while ((n = read(roudi_output, text, sizeof(text))) > 0) {
		said.append(text, static_cast<std::size_t>(n));
		if (said.find(ready) != said.npos)
			return true;
	}
	return false;
}

int
start_roudi()
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	roudi_output = fds[0];
	roudi = fork();
	if (roudi == 0)
		execute_roudi(fds[1]);
	close(fds[1]);
	if (await_roudi())
		return 0;
	stop_roudi();
	return -EPERM;
}

void
enter_namespace(const char *name, int type)
{
	const std::string path = "/proc/" + std::to_string(roudi) + "/ns/" +
				 name;
	const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);

	bench_check(path.c_str(), fd < 0 ? -errno : 0);
	bench_check(path.c_str(), setns(fd, type) < 0 ? -errno : 0);
	close(fd);
}

/* ------------------------------------------------------------ the lanes */

using iox::popo::UntypedPublisher;
using iox::popo::UntypedSubscriber;

struct end {
	std::unique_ptr<UntypedPublisher> publisher;
	std::unique_ptr<UntypedSubscriber> subscriber;
	std::unique_ptr<iox::popo::WaitSet<1>> waiting;
	void *loan;
	const void *taken;
};

end &
end_of(const struct peer_lane *lane)
{
	return *static_cast<end *>(lane->state);
}

int
prepare(struct peer_lane *lane)
{
	return lane->number == 0 ? start_roudi() : 0;
}

/* Once for both lanes of a side. */
void
join_roudi(bool sends)
{
	static bool joined;

	if (joined)
		return;
	joined = true;
	iox::log::LogManager::GetLogManager().SetDefaultLogLevel(
		iox::log::LogLevel::kError,
		iox::log::LogLevelOutput::kHideLogLevel);
	if (geteuid() != 0)
		enter_namespace("user", CLONE_NEWUSER);
	enter_namespace("mnt", CLONE_NEWNS);
	iox::runtime::PoshRuntime::initRuntime(
		sends ? iox::RuntimeName_t("first")
		      : iox::RuntimeName_t("second"));
}

void
open_publisher(end &end, const iox::capro::ServiceDescription &service)
{
	iox::popo::PublisherOptions options;

	options.subscriberTooSlowPolicy =
		iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
	end.publisher = std::make_unique<UntypedPublisher>(service, options);
	while (!end.publisher->hasSubscribers())
		sched_yield();
}

void
open_subscriber(end &end, const iox::capro::ServiceDescription &service,
		bool spins)
{
	iox::popo::SubscriberOptions options;

	options.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
	end.subscriber = std::make_unique<UntypedSubscriber>(service, options);
	if (spins)
		return;
	end.waiting = std::make_unique<iox::popo::WaitSet<1>>();
	end.waiting
		->attachState(*end.subscriber,
			      iox::popo::SubscriberState::HAS_DATA)
		.or_else([](auto) { std::exit(1); });
}

void
open_lane(struct peer_lane *lane)
{
	end *end = new struct end();
	const iox::capro::IdString_t there("there"), back("back");
	const iox::capro::ServiceDescription service(
		"ringbus", "bench", lane->number == 0 ? there : back);

	join_roudi(lane->sends == (lane->number == 0));
	lane->state = end;
	if (lane->sends)
		open_publisher(*end, service);
	else
		open_subscriber(*end, service, lane->spins);
}

void *
claim(struct peer_lane *lane)
{
	end &end = end_of(lane);

	end.publisher->loan(static_cast<std::uint32_t>(lane->size))
		.and_then([&end](void *chunk) { end.loan = chunk; })
		.or_else([](auto) { std::exit(1); });
	return end.loan;
}

void
send(struct peer_lane *lane)
{
	end &end = end_of(lane);

	end.publisher->publish(end.loan);
}

const void *
receive(struct peer_lane *lane, std::size_t *ret_size)
{
	end &end = end_of(lane);

	if (end.taken != nullptr)
		end.subscriber->release(end.taken);
	end.taken = nullptr;
	for (;;) {
		end.subscriber->take().and_then(
			[&end](const void *chunk) { end.taken = chunk; });
		if (end.taken != nullptr)
			break;
		if (!lane->spins)
			end.waiting->wait();
	}
	*ret_size = lane->size;
	return end.taken;
}

void
close_lane(struct peer_lane *lane)
{
	if (lane->number == 0)
		stop_roudi();
}

} // namespace

const struct peer_lane_ops peer_iceoryx = {
	prepare, open_lane, claim, send, receive, close_lane, true,
};
