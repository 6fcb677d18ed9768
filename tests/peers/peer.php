<?php
// PHP as its users write it: SoapClient with and without the WSDL, and pages read with file_get_contents.
// Arguments: phase, way, address, account, password, text. Prints what it saw as JSON.
[, $phase, $way, $url, $corpId, $password, $text] = $argv;

function check(bool $true, string $what): void
{
    if (!$true) {
        fwrite(STDERR, "not true: $what\n");
        exit(1);
    }
}

function wsdl(string $url, int $version): SoapClient
{
    $soap = new SoapClient("{$url}LinkWS.asmx?wsdl", ['soap_version' => $version, 'cache_wsdl' => WSDL_CACHE_NONE]);
    foreach (['IntlSend', 'GetBalance', 'BatchSend2', 'SelSum', 'Get', 'GetReportSMS'] as $name) {
        $signature = "/^{$name}Response $name\($name \\\$parameters\)\$/";
        check(count(preg_grep($signature, $soap->__getFunctions())) > 0, "the WSDL has $name");
    }
    return $soap;
}

function without_wsdl(string $url, int $version): Closure
{
    $options = ['location' => "{$url}LinkWS.asmx", 'uri' => 'http://tempuri.org/', 'soap_version' => $version];
    $soap = new SoapClient(null, $options);
    return function (string $operation, array $values) use ($soap) {
        $parameters = array_map(fn($name, $value) => new SoapParam($value, $name), array_keys($values), $values);
        return $soap->__soapCall($operation, $parameters);
    };
}

function by_method(SoapClient $soap): Closure
{
    return fn(string $operation, array $values) => $soap->$operation($values)->{"{$operation}Result"};
}

function by_call(SoapClient $soap): Closure
{
    return fn(string $operation, array $values) => @$soap->__call($operation, [$values])->{"{$operation}Result"};
}

function page(string $url): Closure
{
    return function (string $operation, array $values) use ($url) {
        $query = http_build_query(array_map(fn($value) => iconv('UTF-8', 'GB2312', $value), $values));
        return iconv('GB2312', 'UTF-8', file_get_contents("$url$operation.aspx?$query"));
    };
}

function element(string $url): Closure
{
    return function (string $operation, array $values) use ($url) {
        $header = 'Content-Type: application/x-www-form-urlencoded; charset=utf-8';
        $context = ['method' => 'POST', 'header' => $header, 'content' => http_build_query($values)];
        $body = file_get_contents("{$url}LinkWS.asmx/$operation", false, stream_context_create(['http' => $context]));
        return (string) simplexml_load_string($body)[0];
    };
}

$ask = match ($way) {
    'wsdl' => by_method(wsdl($url, SOAP_1_1)),
    'wsdl12' => by_method(wsdl($url, SOAP_1_2)),
    'call' => by_call(wsdl($url, SOAP_1_1)),
    'uri' => without_wsdl($url, SOAP_1_1),
    'uri12' => without_wsdl($url, SOAP_1_2),
    'aspx' => page($url),
    'asmx' => element($url),
};
$who = ['CorpID' => $corpId, 'Pwd' => $password];

if ($phase === 'fetch') {
    $saw = [
        'replies' => $ask('Get', $who),
        'replies_again' => $ask('Get', $who),
        'reports' => $ask('GetReportSMS', $who),
        'reports_again' => $ask('GetReportSMS', $who),
    ];
} else {
    $md5 = ['CorpID' => $corpId, 'Pwd' => md5($password)];
    $call = ['Mobile' => '13800000000', 'Content' => $text];
    $two = ['Mobile' => '13800000000,13900000000', 'Content' => $text];
    $saw = [
        'batch_send2' => $ask('BatchSend2', $who + $call + ['Cell' => '12', 'SendTime' => '']),
        'send' => $ask('Send', $who + $call + ['Cell' => '', 'SendTime' => '']),
        'sel_sum' => $ask('SelSum', $who),
        'sel_sum_again' => $ask('SelSum', $who),
        'unsigned' => $ask('BatchSend2', ['Content' => 'hello'] + $who + $call + ['Cell' => '']),
        'intl_send' => $ask('IntlSend', $md5 + $two + ['Cell' => '', 'SendTime' => '']),
        'empty' => $ask('IntlSend', ['Content' => ''] + $md5 + $call + ['Cell' => '', 'SendTime' => '']),
        'balance' => $ask('GetBalance', $md5),
        'nothing' => $ask('NotSend', $who),
    ];
    check(intval($saw['batch_send2']) > 0, 'BatchSend2 > 0');
    check($saw['send'] === (str_starts_with($way, 'wsdl') || $way === 'call' ? 0 : '0'), 'Send === 0');
    check($saw['unsigned'] < 0 && $saw['empty'] < 0, 'a code is below 0');
}
echo json_encode($saw, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
