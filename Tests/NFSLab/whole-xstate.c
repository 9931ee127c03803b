// Lets user-mode Linux 6.1 run where the processor has AMX. Loaded into it beforehand (LD_PRELOAD).
//
// Its room for a process's registers ends with AVX-512, and the host takes all of them or none
// (arch/x86/kernel/fpu/regset.c, xstateregs_set): "A whole standard-format XSAVE buffer is needed:
// if (pos != 0 || count != fpu_user_cfg.max_size) return -EFAULT". Without this the first process of a
// guest dies of "ptrace set fp regs failed, errno = 14". So what it gives is written over what the process
// has, and all of it set: the rest is AMX's tiles, which no program of a guest can use.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

// Today's largest takes 11,008. Static: the stacks of user-mode Linux are 16 KB, and one thread of it traces.
static char registers[32768];

static long (*next)(enum __ptrace_request, ...);

__attribute__((constructor)) static void find_next(void)
{
	next = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	long process = va_arg(arguments, long);
	void *address = va_arg(arguments, void *), *data = va_arg(arguments, void *);
	va_end(arguments);
	if (request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE) {
		struct iovec *given = data, whole = { registers, sizeof registers };
		if (next(PTRACE_GETREGSET, process, address, &whole) == 0 && whole.iov_len > given->iov_len) {
			memcpy(registers, given->iov_base, given->iov_len);
			return next(request, process, address, &whole);
		}
	}
	return next(request, process, address, data);
}
