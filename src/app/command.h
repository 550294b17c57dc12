// The command line: one row a command drives help, arguments, checks and shell completion. Texts come from lang/app.txt:
// "cmd.NAME" (one line), "opt.NAME" for an option.
#pragma once
#include "app/app.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER };
struct option_row {
    const char *name;  // "config" for --config
    enum option_kind kind;
    const char *value; // shown in help: "FILE"
};
struct args {
    const char *plain[40]; // in order
    int count;
    const char *option[12]; // by row of the command's options (NULL: not given; flags: "1")
};
struct command {
    const char *name;
    const char *synopsis; // of the plain arguments: "FILE", "knowledge FILE…"
    int least, most;      // plain arguments
    const struct option_row *options; // ended by name NULL
    int (*run)(struct app *app, const struct args *args); // exit code: 0 done, 1 refused or failed, 2 wrong use
    enum app_need need;
};
extern const struct command commands[]; // ended by name NULL

// Exit code. Prints help, errors (to stderr) and "did you mean".
int command_main(int argc, char **argv);
const char *arg_option(const struct command *k, const struct args *a, const char *name); // NULL: not given
bool progress_wanted(void);                                   // stderr is a terminal
void progress(void *arg, int64_t done, int64_t total);        // a bar on stderr; arg: label

// For the commands' handlers.
const char *command_text(struct app *app, const char *key, const char *a, const char *b, const char *c); // in the user's language
const char *command_pad(struct app *app, const char *words, int columns); // with blanks to that many columns; a Chinese character takes two
int command_done(struct app *app, const char *key, const char *a, const char *b);     // prints the text; returns 0
int command_wrong_use(struct app *app, const char *key, const char *a, const char *b); // prints to stderr; returns 2

int backup_command(struct app *app, const struct args *args); // transfer.c
int restore_command(struct app *app, const struct args *args);
int import_command(struct app *app, const struct args *args);
int export_command(struct app *app, const struct args *args);
int doctor_command(struct app *app, const struct args *args); // doctor.c
