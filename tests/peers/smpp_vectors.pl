# Net::SMPP as a judge of the codec. PORT write: connects and writes one PDU of every kind it knows, without waiting.
# PORT read: reads PDUs and prints the fields of each as one JSON line, until the connection ends.
use strict;
use warnings;
use Net::SMPP;
use JSON::PP;

my ($port, $what) = @ARGV;
my $smpp = Net::SMPP->new_connect('127.0.0.1', port => $port, smpp_version => 0x34, async => 1) or die "no connection: $!";
my @source = (source_addr_ton => 5, source_addr_npi => 1, source_addr => '10690000');
my @target = (dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => '8613800000000');
my @body = (service_type => 'CMT', @source, @target, esm_class => 0x40, protocol_id => 3, priority_flag => 2,
    schedule_delivery_time => '', validity_period => '000001000000000R', registered_delivery => 1,
    replace_if_present_flag => 1, data_coding => 8, sm_default_msg_id => 4, short_message => "\x05\x00\x03\x07\x02\x01hi");

if ($what eq 'write') {
    my @login = (system_id => 'me', password => 'secret', system_type => 'VMS', interface_version => 0x34,
        addr_ton => 1, addr_npi => 1, address_range => '^1069');
    $smpp->bind_transceiver(@login);
    $smpp->bind_transmitter(@login);
    $smpp->bind_receiver(@login);
    $smpp->submit_sm(@body, user_message_reference => "\0\7");
    $smpp->deliver_sm(@body, receipted_message_id => "abc\0", message_state => "\2");
    $smpp->data_sm(service_type => '', @source, @target, esm_class => 0, registered_delivery => 1, data_coding => 8,
        message_payload => "long");
    $smpp->query_sm(message_id => 'abc', @source);
    $smpp->cancel_sm(service_type => '', message_id => 'abc', @source, @target);
    $smpp->replace_sm(message_id => 'abc', @source, schedule_delivery_time => '', validity_period => '',
        registered_delivery => 1, sm_default_msg_id => 0, short_message => 'new');
    $smpp->enquire_link();
    $smpp->unbind();
    $smpp->submit_sm_resp(seq => 77, message_id => 'id-77');
    $smpp->submit_sm_resp(seq => 78, status => 0x58, message_id => '');
    $smpp->deliver_sm_resp(seq => 79, message_id => '');
    $smpp->bind_transceiver_resp(seq => 80, system_id => 'smsc');
    $smpp->enquire_link_resp(seq => 81);
    $smpp->unbind_resp(seq => 82);
    $smpp->generic_nack(seq => 83, status => 3);
    close $smpp;
    exit 0;
}

my $json = JSON::PP->new->canonical->latin1;
while (my $pdu = $smpp->read_pdu()) {
    my %fields = map { $_ => $pdu->{$_} } grep { !/^\d+$/ && $_ ne 'data' && $_ ne 'reserved' && $_ ne 'known_pdu' } keys %$pdu;
    $_ = "$_" for values %fields;
    print $json->encode(\%fields), "\n";
}
