# What the Makefile.am of every room and every test shares.
AM_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/src -I$(top_srcdir)/tests -I$(top_builddir)
AM_CFLAGS = $(ASSAY_CFLAGS) $(OPENSSL_CFLAGS) $(LIBCONFIG_CFLAGS) $(IDN2_CFLAGS)
AM_LDFLAGS = $(ASSAY_LDFLAGS)

# A room's archive with all it stands on, in the order the linker wants.
S = $(top_builddir)/src
WITH_BASE = $(S)/base/libbase.a
WITH_CONF = $(S)/conf/libconf.a $(WITH_BASE) $(LIBCONFIG_LIBS)
WITH_CRYPT = $(S)/crypt/libcrypt.a $(WITH_BASE) $(OPENSSL_LIBS)
WITH_DNS = $(S)/dns/libdns.a $(WITH_CONF) $(WITH_CRYPT) $(UNBOUND_LIBS)
WITH_MAIL = $(S)/mail/libmail.a $(WITH_BASE) $(IDN2_LIBS)
WITH_SIG = $(S)/sig/libsig.a $(WITH_MAIL) $(WITH_DNS)
WITH_DKIM = $(S)/dkim/libdkim.a $(WITH_SIG)
WITH_ARC = $(S)/arc/libarc.a $(WITH_SIG)
WITH_SPF = $(S)/spf/libspf.a $(WITH_SIG) $(SPF2_LIBS)
WITH_DMARC = $(S)/dmarc/libdmarc.a $(WITH_SIG) $(OPENDMARC_LIBS)
WITH_SRS = $(S)/srs/libsrs.a $(S)/mail/libmail.a $(WITH_CONF) $(WITH_CRYPT) $(IDN2_LIBS) $(SQLITE_LIBS)
WITH_ASSESS = $(S)/assess/libassess.a $(S)/dkim/libdkim.a $(S)/arc/libarc.a $(S)/spf/libspf.a $(S)/dmarc/libdmarc.a \
	$(WITH_SIG) $(SPF2_LIBS) $(OPENDMARC_LIBS)
WITH_POLICY = $(S)/policy/libpolicy.a $(WITH_ASSESS)
WITH_REPORT = $(S)/report/libreport.a $(WITH_MAIL)
WITH_MILTER = $(S)/milter/libmilterroom.a $(S)/srs/libsrs.a $(S)/report/libreport.a $(WITH_POLICY) $(MILTER_LIBS) $(SQLITE_LIBS)
WITH_CTL = $(S)/cli/libctl.a $(WITH_BASE)
SUPPORT = $(top_builddir)/tests/support/libsupport.a
