/*
 * empty_filter - the bare cost of libmilter: a filter that takes every event, asks for all no-reply flags
 * and adds one header field.  Usage: empty_filter PORT
 */
#include <libmilter/mfapi.h>
#include <stdio.h>

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3, unsigned long *pf0,
    unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	(void)ctx, (void)f0, (void)f2, (void)f3;
	*pf0 = SMFIF_ADDHDRS;
	*pf1 = f1 & (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_UNKN |
			SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_HDR_LEADSPC);
	*pf2 = *pf3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *addr)
{
	(void)ctx, (void)name, (void)addr;
	return SMFIS_NOREPLY;
}

static sfsistat
on_text(SMFICTX *ctx, char *name)
{
	(void)ctx, (void)name;
	return SMFIS_NOREPLY;
}

static sfsistat
on_argv(SMFICTX *ctx, char **argv)
{
	(void)ctx, (void)argv;
	return SMFIS_NOREPLY;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx, (void)name, (void)value;
	return SMFIS_NOREPLY;
}

static sfsistat
on_event(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *p, size_t n)
{
	(void)ctx, (void)p, (void)n;
	return SMFIS_NOREPLY;
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	smfi_insheader(ctx, 0, "X-Empty", " yes");
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct smfiDesc desc = {
		.xxfi_name = "empty",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_text,
		.xxfi_envfrom = on_argv,
		.xxfi_envrcpt = on_argv,
		.xxfi_header = on_header,
		.xxfi_eoh = on_event,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_data = on_event,
		.xxfi_negotiate = on_negotiate,
	};
	char conn[64];

	if (argc != 2)
		return 2;
	snprintf(conn, sizeof(conn), "inet:%s@127.0.0.1", argv[1]);
	return smfi_register(desc) == MI_SUCCESS && smfi_setconn(conn) == MI_SUCCESS && smfi_main() == MI_SUCCESS ? 0 : 1;
}
