#!/usr/bin/env bash
# curl with raw bytes: GB2312 that nobody percent-encoded, and XML written by hand.
# Arguments: phase, way, address, account, password, text. Prints what it saw as JSON.
set -euo pipefail
phase=$1 way=$2 url=$3 corp_id=$4 password=$5 text=$6
md5=$(printf %s "$password" | md5sum | cut -d' ' -f1)

# name=value pairs joined with &, as GB2312 bytes; only a space is written in another way.
form() {
    local IFS='&' pairs
    pairs="$*"
    printf %s "${pairs// /+}" | iconv -f UTF-8 -t GB2312
}

envelope() {
    local namespace=$1 operation=$2 pair
    shift 2
    printf '<?xml version="1.0" encoding="gb2312"?><s:Envelope xmlns:s="%s"><s:Body>' "$namespace"
    printf '<%s xmlns="http://tempuri.org/">' "$operation"
    for pair; do printf '<%s>%s</%s>' "${pair%%=*}" "${pair#*=}" "${pair%%=*}"; done
    printf '</%s></s:Body></s:Envelope>' "$operation"
}

# What stands in the element of that name: all of its bytes. It must have no prefix and just this namespace declaration.
inside() {
    local whole=$1 name=$2 namespace=$3 value
    case $whole in
    *"<$name$namespace>"*"</$name>"*) value=${whole#*"<$name$namespace>"} && value=${value%%"</$name>"*} ;;
    *"<$name$namespace />"*) value= ;;
    *) echo "no $name in $whole" >&2 && return 1 ;;
    esac
    printf %s "$value"
}

call() { curl --silent --show-error --fail --max-time 20 "$@"; }

soap() {
    local namespace=$1 type=$2 operation=$3
    shift 3
    local body
    body=$(envelope "$namespace" "$operation" "$@" | iconv -f UTF-8 -t GB2312 |
        call -H "Content-Type: $type" -H 'SOAPAction:' --data-binary @- "${url}LinkWS.asmx")
    inside "$body" "${operation}Result" ''
}

ask() {
    local operation=$1 body kind=string
    shift
    case $way in
    get) call "$url$operation.aspx?$(form "$@")" | iconv -f GB2312 -t UTF-8 ;;
    post) form "$@" | call --data-binary @- "$url$operation.aspx" | iconv -f GB2312 -t UTF-8 ;;
    asmx)
        case $operation in Send | SelSum) kind=int ;; esac
        body=$(form "$@" | call --data-binary @- "${url}LinkWS.asmx/$operation")
        inside "$body" "$kind" ' xmlns="http://tempuri.org/"'
        ;;
    soap11) soap http://schemas.xmlsoap.org/soap/envelope/ text/xml "$operation" "$@" ;;
    soap12) soap http://www.w3.org/2003/05/soap-envelope application/soap+xml "$operation" "$@" ;;
    esac
}

# "$(...)" drops line feeds at the end; the dot keeps them, so that an answer with one is seen.
saw() {
    local name=$1 value
    shift
    value=$(ask "$@" && printf .)
    printf '%s"%s":"%s"' "$comma" "$name" "${value%.}"
    comma=,
}

who=("CorpID=$corp_id" "Pwd=$password")
hash=("CorpID=$corp_id" "Pwd=$md5")
call=(Mobile=13800000000 "Content=$text")
comma=
printf '{'
if [ "$phase" = send ]; then
    saw batch_send2 BatchSend2 "${who[@]}" "${call[@]}" Cell=12 SendTime=
    saw send Send "${who[@]}" "${call[@]}" Cell= SendTime=
    saw sel_sum SelSum "${who[@]}"
    saw sel_sum_again SelSum "${who[@]}"
    saw unsigned BatchSend2 "${who[@]}" Mobile=13800000000 Content=hello
    saw intl_send IntlSend "${hash[@]}" Mobile=13800000000,13900000000 "Content=$text" Cell= SendTime=
    saw empty IntlSend "${hash[@]}" Mobile=13800000000 Content= Cell= SendTime=
    saw balance GetBalance "${hash[@]}"
    saw nothing NotSend "${who[@]}"
else
    saw replies Get "${who[@]}"
    saw replies_again Get "${who[@]}"
    saw reports GetReportSMS "${who[@]}"
    saw reports_again GetReportSMS "${who[@]}"
fi
printf '}'
