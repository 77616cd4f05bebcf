#ifndef IMWA_TOOL_START_H
#define IMWA_TOOL_START_H

/// What a tool does before everything else, when it is linked: it ends in one sentence and exit code 74 where /proc is not
/// mounted. The run-time library of Swift in a static program looks for the program there, and aborts without it.

#endif
