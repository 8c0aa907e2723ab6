# Mail::DKIM's ARC validator over the messages that arc_cross.py --perl wrote.  Usage: arc_cross.pl FOLDER
use strict;
use warnings;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Net::DNS;

# Answers from the record that the messages are sealed under; nothing goes to the network.
package Resolver;
sub new { my ($class, %self) = @_; return bless {%self}, $class }
sub errorstring { return 'NXDOMAIN' }
sub send { goto &query }
sub query {
	my ($self, $name) = @_;
	my $packet = Net::DNS::Packet->new($name, 'TXT');
	$packet->header->rcode(lc $name eq $self->{name} ? 'NOERROR' : 'NXDOMAIN');
	$packet->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => $self->{record}))
	    if lc $name eq $self->{name};
	return $packet;
}

package main;
my ($folder) = @ARGV;
open my $in, '<', "$folder/record" or die "$folder/record: $!";
chomp(my $name = <$in>);
my $record = do { local $/; <$in> };
Mail::DKIM::DNS::resolver(Resolver->new(name => $name, record => $record));
my ($run, $wrong) = (0, 0);
for my $path (sort glob "$folder/*.pass $folder/*.fail") {
	open my $message, '<', $path or die "$path: $!";
	my $verifier = Mail::DKIM::ARC::Verifier->new();
	$verifier->PRINT($_) while <$message>;
	$verifier->CLOSE;
	my ($wanted) = $path =~ /(\w+)$/;
	$run++;
	next if $verifier->result eq $wanted;
	$wrong++;
	print "Mail::DKIM: $path: ", $verifier->result, " (", $verifier->result_detail, "), not $wanted\n";
}
print "Mail::DKIM: $run checks, $wrong wrong\n";
exit($wrong == 0 && $run > 0 ? 0 : 1);
