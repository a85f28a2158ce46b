"""Edits that save a guest its time: what a case costs there is switches between processes.

User-mode Linux has each process of the guest as a process of the host, stopped at every system
call and page fault. So what saves is to stop less often, and to do less at each stop. Measured
with the whole set of cases: the pages a third, the clock a quarter, the registers a tenth.
"""

from __future__ import annotations

import re
from typing import Final

from conformance.kernel.change import Place, TreeEdit

_PROCESS: Final = "arch/um/os-Linux/skas/process.c"
_REGISTERS_OF_HOST: Final = "arch/x86/um/os-Linux/registers.c"
_IOV: Final = "\t\tiov.iov_base = fp_regs;\n\t\tiov.iov_len = FP_SIZE * sizeof(unsigned long);\n"
_VDSO: Final = "arch/x86/um/vdso/um_vdso.c"
_MARK: Final = "0x7fc10cc10cc10cc1UL"  # in the vDSO's image, where the address of the clock belongs


def _before(path: str, line: str, new: str) -> Place:
    return Place(path, re.escape(line), new + line)


def _after(path: str, line: str, new: str) -> Place:
    return Place(path, re.escape(line), line + new)


def _instead(path: str, old: str, new: str) -> Place:
    return Place(path, re.escape(old), new)


_PAGES: Final = TreeEdit(
    "a page fault costs three switches between processes, so the next pages come with it",
    (
        Place(
            "arch/um/kernel/trap.c",
            r"\terr = 0;\n\t/\*\n",
            """\terr = 0;
\tif (is_write && !(vma->vm_flags & VM_SHARED)) {
\t\tunsigned long next = address & PAGE_MASK;
\t\tint i;

\t\tfor (i = 0; i < 15 && next + PAGE_SIZE < vma->vm_end; i++) {
\t\t\tnext += PAGE_SIZE;
\t\t\tif (handle_mm_fault(vma, next, FAULT_FLAG_USER | FAULT_FLAG_WRITE, NULL) &
\t\t\t    (VM_FAULT_ERROR | VM_FAULT_RETRY))
\t\t\t\tbreak;
\t\t}
\t\tflush_tlb_range(vma, address & PAGE_MASK, next + PAGE_SIZE);
\t}
\t/*
""",
        ),
    ),
    needed=False,
)

# While a process of the guest runs, no time passes there: what the clock says when it goes on is
# right until it stops. A loop that only reads the clock must move it, so each 33rd reading asks.
_CLOCK: Final = TreeEdit(
    "reading the clock is every second system call of a guest; the time can lie ready instead",
    (
        _after(
            "arch/um/include/shared/skas/stub-data.h",
            "\tint syscall_data_len;\n",
            "\tint clock_reads;\n\tunsigned long long clock[2]; /* CLOCK_REALTIME, _MONOTONIC */\n",
        ),
        _after("arch/um/kernel/process.c", "#include <skas.h>\n", "#include <stub-data.h>\n"),
        _before(
            "arch/um/kernel/process.c",
            "void interrupt_end(void)\n",
            """static void tell_time(void)
{
\tstruct stub_data *data;
\tunsigned long flags;
\tktime_t now;

\tif (!current->mm || time_travel_mode == TT_MODE_OFF)
\t\treturn;
\tdata = (struct stub_data *)current->mm->context.id.stack;
\tlocal_irq_save(flags);
\tnow = ktime_get();
\tlocal_irq_restore(flags);
\tdata->clock[0] = ktime_to_ns(ktime_mono_to_real(now));
\tdata->clock[1] = ktime_to_ns(now);
\tdata->clock_reads = 0;
}

""",
        ),
        _instead(
            "arch/um/kernel/process.c",
            "\t\tthread_flags = read_thread_flags();\n\t}\n}\n",
            "\t\tthread_flags = read_thread_flags();\n\t}\n\ttell_time();\n}\n",
        ),
        _after(_VDSO, "#include <linux/getcpu.h>\n", "#include <stub-data.h>\n"),
        _instead(
            _VDSO,
            "int __vdso_clock_gettime(clockid_t clock, struct __kernel_old_timespec *ts)\n{\n"
            "\tlong ret;\n",
            f"""static const volatile unsigned long stub_data = {_MARK};

int __vdso_clock_gettime(clockid_t clock, struct __kernel_old_timespec *ts)
{{
\tstruct stub_data *data = (struct stub_data *)stub_data;
\tunsigned long long now;
\tlong ret;

\tif ((clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC) && data->clock_reads < 32) {{
\t\tnow = data->clock[clock];
\t\tif (now) {{
\t\t\tdata->clock_reads++;
\t\t\tts->tv_sec = now / 1000000000;
\t\t\tts->tv_nsec = now % 1000000000;
\t\t\treturn 0;
\t\t}}
\t}}
""",
        ),
        _after("arch/x86/um/vdso/vma.c", "#include <linux/init.h>\n", "#include <as-layout.h>\n"),
        _after("arch/x86/um/vdso/vma.c", "\tstruct page *um_vdso;\n", "\tunsigned long *word;\n"),
        _after(
            "arch/x86/um/vdso/vma.c",
            "\tcopy_page(page_address(um_vdso), vdso_start);\n",
            f"""\tfor (word = page_address(um_vdso); (unsigned long)word & ~PAGE_MASK ||
\t     word == page_address(um_vdso); word++)
\t\tif (*word == {_MARK})
\t\t\t*word = STUB_DATA;
""",
        ),
    ),
    needed=False,
)

# They stay in the process of the host, which is stopped, unless somebody else may need them (a
# fork, a signal's frame) or may come between (a second thread, a new program, a page fault, whose
# handler runs in that process: they are fetched before it and put back when the process goes on).
_REGISTERS: Final = TreeEdit(
    "fetching and restoring 2.5 KB of registers at each system call is a tenth of its price",
    (
        _after("arch/x86/um/shared/sysdep/ptrace.h", "\tint is_user;\n", "\tint fp_kept;\n"),
        _after(
            "arch/um/include/shared/skas/skas.h",
            "extern void current_mm_sync(void);\n",
            "extern int current_mm_shared(void);\n"
            "extern void fetch_fp(struct uml_pt_regs *regs);\n",
        ),
        _before(
            "arch/um/kernel/skas/process.c",
            "void current_mm_sync(void)\n",
            """int current_mm_shared(void)
{
\treturn !current->mm || atomic_read(&current->mm->mm_users) > 1;
}

""",
        ),
        _instead(
            "arch/x86/um/signal.c",
            "\t{\n\t\tif (copy_to_user(to_fp, regs->regs.fp, sizeof(struct _xstate)))",
            "\t{\n\t\tfetch_fp(&regs->regs);\n"
            "\t\tif (copy_to_user(to_fp, regs->regs.fp, sizeof(struct _xstate)))",
        ),
        Place(
            _PROCESS,
            r"\terr = get_fp_registers\(pid, aux_fp_regs\);\n(?:.*\n){5}"
            r"\terr = ptrace\(PTRACE_CONT, pid, 0, SIGSEGV\);\n",
            "\t/* regs->fp has been fetched and will be put back. */\n"
            "\terr = ptrace(PTRACE_CONT, pid, 0, SIGSEGV);\n",
        ),
        Place(
            _PROCESS,
            r"\n\terr = put_fp_registers\(pid, aux_fp_regs\);\n(?:.*\n){5}}\n\n"
            r"static void handle_segv",
            "\t/* The handler's own registers are of no use. */\n}\n\nstatic void handle_segv",
        ),
        _before(
            _PROCESS,
            "void userspace(struct uml_pt_regs *regs, unsigned long *aux_fp_regs)\n",
            """static int keeps_fp(struct uml_pt_regs *regs, int status)
{
\tif (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80) || current_mm_shared())
\t\treturn 0;
\tswitch (PT_SYSCALL_NR(regs->gp)) {
\tcase __NR_clone:
\tcase __NR_clone3:
\tcase __NR_fork:
\tcase __NR_vfork:
\tcase __NR_execve:
\tcase __NR_execveat:
\tcase __NR_rt_sigreturn:
\t\treturn 0;
\t}
\treturn 1;
}

void fetch_fp(struct uml_pt_regs *regs)
{
\tif (regs->fp_kept && get_fp_registers(userspace_pid[0], regs->fp))
\t\tfatal_sigsegv();
\tregs->fp_kept = 0;
}

""",
        ),
        _instead(
            _PROCESS,
            "\t\tif (put_fp_registers(pid, regs->fp)) {",
            "\t\tif (!regs->fp_kept && put_fp_registers(pid, regs->fp)) {",
        ),
        _instead(
            _PROCESS,
            "\t\tif (get_fp_registers(pid, regs->fp)) {",
            "\t\tregs->fp_kept = keeps_fp(regs, status);\n"
            "\t\tif (!regs->fp_kept && get_fp_registers(pid, regs->fp)) {",
        ),
    ),
    needed=False,
)

# 2,696 octets are all of them but AMX's, which nothing in a guest asks for: their two bits in
# the header, the 65th word, say that they are as at the start.
_WIDE: Final = TreeEdit(
    "a processor with AMX has 11 KB of registers, and its kernel takes back all of them or none",
    (
        _after(
            _REGISTERS_OF_HOST,
            "int have_xstate_support;\n",  # static since 6.12
            "static unsigned long whole_fp[4096];\nstatic unsigned long whole_fp_size;\n",
        ),
        _after(_REGISTERS_OF_HOST, "#include <stdlib.h>\n", "#include <string.h>\n"),
        _instead(
            _REGISTERS_OF_HOST,
            _IOV + "\t\tif (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) < 0)\n"
            "\t\t\treturn -errno;\n",
            """\t\tiov.iov_base = whole_fp;
\t\tiov.iov_len = sizeof(whole_fp);
\t\tif (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) < 0)
\t\t\treturn -errno;
\t\tmemcpy(fp_regs, whole_fp, FP_SIZE * sizeof(unsigned long));
""",
        ),
        _instead(
            _REGISTERS_OF_HOST,
            _IOV + "\t\tif (ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov) < 0)\n",
            """\t\tmemcpy(whole_fp, fp_regs, FP_SIZE * sizeof(unsigned long));
\t\twhole_fp[64] &= ~(3UL << 17);
\t\tiov.iov_base = whole_fp;
\t\tiov.iov_len = whole_fp_size;
\t\tif (ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov) < 0)
""",
        ),
        Place(
            _REGISTERS_OF_HOST,
            r"\tvoid \* fp_regs;\n\tstruct iovec iov;\n(?:.*\n)+?\t\thave_xstate_support = 1;\n"
            r"\n\tfree\(fp_regs\);\n",
            """\tstruct iovec iov = { .iov_base = whole_fp, .iov_len = sizeof(whole_fp) };

\tif (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) == 0) {
\t\thave_xstate_support = 1;
\t\twhole_fp_size = iov.iov_len;
\t}
""",
        ),
    ),
    needed=False,
)

BOOT_PATCHES: Final = (_PAGES, _CLOCK, _REGISTERS, _WIDE)
