/* SPDX-License-Identifier: MIT */
/*
 * doctor.c - looks at the machine, and says what to do
 */
#include "client/ctl/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/json.h"

struct doctor_args {
	const char *config;
	int64_t jitter_ns;
};

static const struct doctor_check *const tables[] = {
	doctor_kernel,
	doctor_memory,
	doctor_machine,
	doctor_daemon,
};

static const char *const verdicts[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_WRONG] = "WRONG",
	[DOCTOR_UNKNOWN] = "?",
};

static const char *const json_verdicts[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_WRONG] = "wrong",
	[DOCTOR_UNKNOWN] = "unknown",
};

/* -------------------------------------------------------------- reading */

void
doctor_found(char found[DOCTOR_TEXT], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(found, DOCTOR_TEXT, fmt, args);
	va_end(args);
}

int
doctor_read_field(const char *path, const char *begin, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t n = strlen(begin);
	char line[512];
	int r = -ENOENT;

	if (file == NULL)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, begin, n) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, size, "%s", line + n + strspn(line + n, " \t"));
		r = 0;
	}
	fclose(file);
	return r;
}

int
doctor_read_line(const char *path, char *text, size_t size)
{
	return doctor_read_field(path, "", text, size);
}

int
doctor_read_number(const char *path, uint64_t *ret)
{
	char text[64];
	int r = doctor_read_line(path, text, sizeof(text));

	return r < 0 ? r : options_read_number(text, ret);
}

int
doctor_read_choice(const char *path, char *text, size_t size)
{
	char line[256], *end;
	int r = doctor_read_line(path, line, sizeof(line));
	char *begin = r == 0 ? strchr(line, '[') : NULL;

	if (r < 0)
		return r;
	end = begin != NULL ? strchr(begin, ']') : NULL;
	if (end == NULL)
		return -EINVAL;
	*end = '\0';
	snprintf(text, size, "%s", begin + 1);
	return 0;
}

/* -------------------------------------------------------------- looking */

static bool
is_folder(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void
prepare(struct doctor *doctor)
{
	struct ctl *ctl = doctor->ctl;
	int64_t pid;

	doctor->shm_dir = ctl->common.shm_dir != NULL
				  ? ctl->common.shm_dir
				  : getenv("RINGBUS_SHM_DIR");
	if (!is_folder(doctor->shm_dir))
		doctor->shm_dir = "/dev/shm";
	doctor->connected = ringbus_connect_within(ctl->common.socket,
						   CTL_SECOND_NS, &ctl->bus);
	if (doctor->connected == 0) {
		pid = ringbus_ping(ctl->bus);
		doctor->daemon_pid = pid > 0 ? pid : 0;
	}
	doctor_find_need(doctor);
}

static void
tell(const struct doctor_check *check, enum doctor_verdict verdict,
     const char *found, struct output *out)
{
	output_print(out, "%-5s  %-18s %s\n", verdicts[verdict], check->name,
		     found);
	if (verdict == DOCTOR_NOTE || verdict == DOCTOR_WRONG)
		output_print(out, "       %-18s -> %s\n", "", check->fix);
}

static void
write_line(const struct doctor_check *check, enum doctor_verdict verdict,
	   const char *found, struct output *out)
{
	struct json json;

	json_begin(&json, out);
	json_string(&json, "check", check->name);
	json_string(&json, "verdict", json_verdicts[verdict]);
	json_string(&json, "found", found);
	if (verdict == DOCTOR_NOTE || verdict == DOCTOR_WRONG)
		json_string(&json, "fix", check->fix);
	json_end(&json);
}

static unsigned
look_all(struct doctor *doctor, struct output *out)
{
	const struct doctor_check *check;
	unsigned n_wrong = 0;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (check = tables[i]; check->name != NULL; check++) {
			char found[DOCTOR_TEXT] = "";
			enum doctor_verdict verdict = check->look(doctor,
								  found);

			n_wrong += verdict == DOCTOR_WRONG;
			if (doctor->ctl->common.json)
				write_line(check, verdict, found, out);
			else
				tell(check, verdict, found, out);
		}
	return n_wrong;
}

/* ----------------------------------------------------------------- verb */

static enum ctl_exit
run_doctor(struct ctl *ctl, void *args_)
{
	const struct doctor_args *args = args_;
	struct doctor doctor = { .ctl = ctl,
				 .config = args->config,
				 .jitter_ns = args->jitter_ns };
	struct output out;
	unsigned n_wrong;
	enum ctl_exit code;

	output_init(&out, STDOUT_FILENO);
	prepare(&doctor);
	n_wrong = look_all(&doctor, &out);
	code = ctl_finish(ctl, &out);
	return code == CTL_OK && n_wrong > 0 ? CTL_DEGRADED : code;
}

static const struct options_entry doctor_options[] = {
	{ 'c', "config", "FILE", &options_text,
	  offsetof(struct doctor_args, config),
	  "the configuration that there has to be room for" },
	{ 0, "jitter", "TIME", &options_duration,
	  offsetof(struct doctor_args, jitter_ns),
	  "measure so long how long the machine is away (200ms)" },
	{ 0 },
};

static const struct doctor_args doctor_defaults = {
	.jitter_ns = CTL_SECOND_NS / 5,
};

const struct ctl_verb ctl_doctor = {
	.name = "doctor",
	.operands = "",
	.brief = "Look at this machine, and say what to do",
	.help = "Needs no daemon and no rights. A note is something to gain; "
		"the exit code is 6 if\nsomething is wrong.\n",
	.options = doctor_options,
	.defaults = &doctor_defaults,
	.args_size = sizeof(doctor_defaults),
	.run = run_doctor,
};
