# SOAP::Lite as its users write it: by the WSDL, or by proxy and uri. The latter is RPC/encoded with xsi:type.
# Arguments: phase, way, address, account, password, text. Prints what it saw as JSON.
use strict;
use warnings;
use Digest::MD5 'md5_hex';
use Encode 'decode_utf8';
use JSON::PP;
use SOAP::Lite;

my ($phase, $way, $url, $corp_id, $password, $text) = map { decode_utf8($_) } @ARGV;
SOAP::Lite->soapversion($way =~ /12$/ ? '1.2' : '1.1');

sub by_wsdl {
    my $soap = SOAP::Lite->service("${url}LinkWS.asmx?wsdl");
    return sub {
        my ($operation, @values) = @_;
        return $soap->$operation(@values[grep { $_ % 2 } 0 .. $#values]);    # by position, as the WSDL has them
    };
}

sub by_proxy {
    my $soap = SOAP::Lite->proxy("${url}LinkWS.asmx")->uri('http://tempuri.org/');
    $soap->on_action(sub { $_[0] . $_[1] });
    return sub {
        my ($operation, @values) = @_;
        my $answer = $soap->call($operation, named(@values));
        die $answer->faultstring if $answer->fault;
        return $answer->result;
    };
}

# Every value with its name and, in RPC/encoded calls, its type.
sub named {
    my @named;
    while (my ($name, $value) = splice @_, 0, 2) {
        push @named, SOAP::Data->name($name => $value)->type('string');
    }
    return @named;
}

my $ask = $way =~ /^wsdl/ ? by_wsdl() : by_proxy();
my @who = (CorpID => $corp_id, Pwd => $password);
my %saw;
if ($phase eq 'send') {
    my @md5 = (CorpID => $corp_id, Pwd => md5_hex($password));
    my @rest = (Cell => '', SendTime => '');
    my $number = '13800000000';
    $saw{batch_send2} = $ask->('BatchSend2', @who, Mobile => $number, Content => $text, Cell => '12', SendTime => '');
    $saw{send} = $ask->('Send', @who, Mobile => $number, Content => $text, @rest);
    $saw{sel_sum} = $ask->('SelSum', @who);
    $saw{sel_sum_again} = $ask->('SelSum', @who);
    $saw{unsigned} = $ask->('BatchSend2', @who, Mobile => $number, Content => 'hello');
    $saw{intl_send} = $ask->('IntlSend', @md5, Mobile => "$number,13900000000", Content => $text, @rest);
    $saw{empty} = $ask->('IntlSend', @md5, Mobile => $number, Content => '', @rest);
    $saw{balance} = $ask->('GetBalance', @md5);
    $saw{nothing} = $ask->('NotSend', @who);
    die 'BatchSend2 > 0' unless $saw{batch_send2} > 0;
    die 'Send is not 0' unless $saw{send} eq '0';
    die 'a code is below 0' unless $saw{unsigned} < 0 && $saw{empty} < 0;
} else {
    $saw{replies} = $ask->('Get', @who);
    $saw{replies_again} = $ask->('Get', @who);
    $saw{reports} = $ask->('GetReportSMS', @who);
    $saw{reports_again} = $ask->('GetReportSMS', @who);
}
# Perl does not tell numbers from strings: all of them are written as strings.
print JSON::PP->new->utf8->canonical->encode({ map { $_ => defined $saw{$_} ? "$saw{$_}" : undef } keys %saw });
