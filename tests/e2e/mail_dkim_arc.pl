# Mail::DKIM's ARC verifier over the message on standard input, asking the name server at 127.0.0.1.  Usage:
# mail_dkim_arc.pl PORT
use strict;
use warnings;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Net::DNS::Resolver;

my ($port) = @ARGV;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $port, recurse => 0));
my $verifier = Mail::DKIM::ARC::Verifier->new();
binmode STDIN;
$verifier->PRINT($_) while <STDIN>;
$verifier->CLOSE;
print $verifier->result, ' ', $verifier->result_detail, "\n";
