#include <spawn.h>
#if defined(__GLIBC__) && !defined(__USE_GNU)
/* glibc 2.34; its header shows it to those alone who ask for all of GNU's functions. */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
#endif
