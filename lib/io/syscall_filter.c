#include "io/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#ifdef OUR_ARCHITECTURE

enum {
    PROGRAM_MOST = 400,     /* instructions; the kernel takes 4096 */
    X32_CALLS = 0x40000000, /* x86-64: the same calls once more, for another ABI */
    CALL_FCHMODAT2 = 452,   /* on every processor; too young for Debian 12's headers */
};

/* Older headers do not know these; the numbers are the same on every processor. */
#ifndef __NR_openat2
#define __NR_openat2 437
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif

static const int refused[] = {
    /* processes and what belongs to others */
    __NR_kill,
    __NR_tkill,
    __NR_tgkill,
    __NR_rt_sigqueueinfo,
    __NR_rt_tgsigqueueinfo,
    __NR_pidfd_send_signal,
    __NR_pidfd_getfd,
    __NR_ptrace,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_kcmp,
    /* the network */
    __NR_socket,
    __NR_io_uring_setup,
    __NR_io_uring_enter,
    __NR_io_uring_register,
    /* names, modes and contents of files */
    __NR_openat2,
    __NR_open_by_handle_at,
    __NR_truncate,
    __NR_unlinkat,
    __NR_renameat2,
    __NR_mkdirat,
    __NR_mknodat,
    __NR_linkat,
    __NR_symlinkat,
    __NR_fchmod,
    __NR_fchmodat,
    CALL_FCHMODAT2,
    __NR_fchown,
    __NR_fchownat,
    __NR_utimensat,
    __NR_setxattr,
    __NR_lsetxattr,
    __NR_fsetxattr,
    __NR_removexattr,
    __NR_lremovexattr,
    __NR_fremovexattr,
#ifdef __NR_renameat
    __NR_renameat,
#endif
#ifdef __NR_unlink /* the calls of older processors */
    __NR_creat,
    __NR_unlink,
    __NR_rmdir,
    __NR_rename,
    __NR_mkdir,
    __NR_mknod,
    __NR_link,
    __NR_symlink,
    __NR_chmod,
    __NR_chown,
    __NR_lchown,
    __NR_utime,
    __NR_utimes,
    __NR_futimesat,
    __NR_fork,
    __NR_vfork,
#endif
    /* the system */
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_unshare,
    __NR_setns,
    __NR_fsopen,
    __NR_fspick,
    __NR_open_tree,
    __NR_move_mount,
    __NR_mount_setattr,
    __NR_keyctl,
    __NR_add_key,
    __NR_request_key,
    __NR_bpf,
    __NR_perf_event_open,
    __NR_userfaultfd,
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_kexec_load,
    __NR_reboot,
    __NR_swapon,
    __NR_swapoff,
    __NR_acct,
    __NR_quotactl,
    __NR_syslog,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_adjtimex,
    __NR_clock_adjtime,
    __NR_sethostname,
    __NR_setdomainname,
    __NR_personality,
};

struct program {
    struct sock_filter steps[PROGRAM_MOST];
    unsigned short count;
};

static void add(struct program *program, struct sock_filter step)
{
    if (program->count < PROGRAM_MOST)
        program->steps[program->count++] = step;
}

static void load(struct program *program, size_t offset)
{
    add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void end_with(struct program *program, uint32_t verdict)
{
    add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

/* Unless what was loaded compares so with value, step over the next `steps` steps. */
static void unless(struct program *program, uint16_t comparison, uint32_t value, uint8_t steps)
{
    add(program,
        (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | comparison | BPF_K), value, 0, steps));
}

static void refuse(struct program *program, int call, int reason)
{
    unless(program, BPF_JEQ, (uint32_t)call, 1);
    end_with(program, SECCOMP_RET_ERRNO | (uint32_t)reason);
}

/* Refuse a call when bits of an argument's lower half are set, or (wanted) when they are not. */
static void refuse_bits(struct program *program, int call, int argument, uint32_t bits, bool wanted)
{
    /* The processors above are little endian: the lower half comes first. */
    unless(program, BPF_JEQ, (uint32_t)call, 4);
    load(program, offsetof(struct seccomp_data, args) + (size_t)argument * sizeof(uint64_t));
    unless(program, BPF_JSET, bits, 1);
    end_with(program, wanted ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM);
    end_with(program, wanted ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW);
}

static void build(struct program *program)
{
    const uint32_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
    load(program, offsetof(struct seccomp_data, arch));
    unless(program, BPF_JEQ, OUR_ARCHITECTURE, 1);
    add(program, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1));
    end_with(program, SECCOMP_RET_KILL_PROCESS);
    load(program, offsetof(struct seccomp_data, nr));
    unless(program, BPF_JGE, X32_CALLS, 1);
    end_with(program, SECCOMP_RET_ERRNO | ENOSYS);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        refuse(program, refused[i], EPERM);
    /* Its flags are in memory, where a filter cannot look: libc then takes clone. */
    refuse(program, __NR_clone3, ENOSYS);
    refuse_bits(program, __NR_openat, 2, writing, false);
#ifdef __NR_open
    refuse_bits(program, __NR_open, 1, writing, false);
#endif
    refuse_bits(program, __NR_clone, 0, CLONE_THREAD, true);
    end_with(program, SECCOMP_RET_ALLOW);
}

int syscall_filter_compute_only(struct error *error)
{
    struct program program = {.count = 0};
    build(&program);
    struct sock_fprog filter = {.len = program.count, .filter = program.steps};
    if (program.count == PROGRAM_MOST)
        return error_set(error, "filter system calls: more than %d steps", PROGRAM_MOST);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
        return error_system(error, "filter system calls");
    return 0;
}

#else

int syscall_filter_compute_only(struct error *error)
{
    (void)error;
    return 0;
}

#endif
